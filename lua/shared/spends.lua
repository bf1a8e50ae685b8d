-- A bucket of several regions, equal to test/support/active-active/bucket.ts to the last quantum. Stored as six
-- little-endian doubles: the base's time and level, unit and most as in stored.lua, capacity and refill of the policy that
-- took last in this region; then each spend in the order of time as three doubles (at, quanta, epoch) and the number of its
-- region. An infinite level is full for every policy. Values of an earlier version have time, level and spends only, in the
-- reader's unit. Absent means full. Needs refill.lua and rescale.lua.

local MOST_OWN_SPENDS = 64
local SPEND_BYTES = 28
local HEAD_BYTES = 48

-- Spends in quanta of another unit, rounded up; those of whole tokens need no rounding.
local function spendOf(quanta, from, to)
  return -rescaled(-quanta, from, to, math.huge)
end

-- Reads a value for a policy; with `keepsPolicy` for the one that is stored with it, if there is one. Unit 0 is unknown: that
-- of a spend that a region of an earlier version sent.
local function read(stored, capacity, refill, unit, keepsPolicy)
  local at, level, from, most, first = 0, math.huge, unit, 0, 17
  if stored then
    at, level = struct.unpack('<dd', stored)
  end
  if stored and #stored % SPEND_BYTES == HEAD_BYTES % SPEND_BYTES then
    local capacityThen, refillThen
    from, most, capacityThen, refillThen = struct.unpack('<dddd', stored, first)
    first = HEAD_BYTES + 1
    if keepsPolicy then
      capacity, refill, unit = capacityThen, refillThen, from
    end
  end
  local spends = {}
  for place = first, stored and #stored or 0, SPEND_BYTES do
    local spentAt, quanta, epoch, region = struct.unpack('<dddI4', stored, place)
    quanta = from == unit and quanta or spendOf(quanta, from, unit)
    spends[#spends + 1] = { at = spentAt, quanta = quanta, epoch = epoch, region = region }
  end
  return {
    at = at,
    level = rescaled(level, from, unit, capacity),
    isFull = level == math.huge,
    capacity = capacity,
    refill = refill,
    unit = unit,
    most = unit > 0 and math.max(most, capacity / unit) or 0,
    spends = spends,
  }
end

local function write(bucket)
  local level = bucket.isFull and math.huge or bucket.level
  local parts = { struct.pack('<dd', bucket.at, level) }
  if bucket.unit > 0 then
    parts[2] = struct.pack('<dddd', bucket.unit, bucket.most, bucket.capacity, bucket.refill)
  end
  for _, spend in ipairs(bucket.spends) do
    parts[#parts + 1] = struct.pack('<dddI4', spend.at, spend.quanta, spend.epoch, spend.region)
  end
  return table.concat(parts)
end

-- Moves all spends up to the horizon into the base.
local function fold(bucket, horizon)
  if horizon <= bucket.at then
    return
  end
  local capacity, refill = bucket.capacity, bucket.refill
  local kept = {}
  for _, spend in ipairs(bucket.spends) do
    if spend.at <= horizon then
      bucket.level = refilled(bucket.level, spend.at - bucket.at, capacity, refill) - spend.quanta
      bucket.at, bucket.isFull = spend.at, false
    else
      kept[#kept + 1] = spend
    end
  end
  bucket.level = refilled(bucket.level, horizon - bucket.at, capacity, refill)
  bucket.at, bucket.spends = horizon, kept
end

-- The level at a time not before the base, and the last time at which the bucket was full.
local function replay(bucket, now)
  local capacity, refill = bucket.capacity, bucket.refill
  local at, level, ahead, fullAt = bucket.at, bucket.level, 0, -1
  for _, spend in ipairs(bucket.spends) do
    if spend.at > now then
      ahead = ahead + spend.quanta
    else
      level = refilled(level, spend.at - at, capacity, refill)
      if level == capacity then
        fullAt = spend.at
      end
      at, level = spend.at, level - spend.quanta
    end
  end
  level = refilled(level, now - at, capacity, refill)
  if level == capacity then
    fullAt = now
  end
  return level - ahead, fullAt
end

-- Time until the level has certainly reached the wanted level.
local function untilLevel(bucket, now, wanted)
  local last = bucket.spends[#bucket.spends]
  local from = math.max(now, last and last.at or 0)
  local level = replay(bucket, from)
  return from - now + math.max(0, timeUntil(level, wanted, bucket.refill))
end

-- Milliseconds for which a value is stored: until the bucket is full for every policy that wrote it (why: packBucket in
-- stored.lua), and `keep` longer, the latest arrival of a batch, plus a second.
local function lifeMs(bucket, now, clock, keep)
  local untilFull = untilLevel(bucket, now, math.max(bucket.capacity, bucket.most * bucket.unit))
  return math.min(math.ceil((untilFull + now - clock + keep) / 1000) + 1000, 2 ^ 53)
end

-- Adds a spend, or raises the total of its instant. Before the base it is too old.
local function insert(bucket, spend)
  if spend.at <= bucket.at then
    return
  end
  local spends = bucket.spends
  local place = #spends
  while place > 0 and spends[place].at >= spend.at do
    local known = spends[place]
    if known.at == spend.at and known.epoch == spend.epoch and known.region == spend.region then
      known.quanta = math.max(known.quanta, spend.quanta)
      return
    end
    place = place - 1
  end
  table.insert(spends, place + 1, spend)
end
