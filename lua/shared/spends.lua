-- A bucket of several regions, equal to test/support/active-active/bucket.ts to the last quantum. Stored as four
-- little-endian doubles, the base's time and level, unit and most as in stored.lua, then each spend in the order of time as
-- three doubles (at, quanta, epoch) and the number of its region. Values of an earlier version have no unit and most, and
-- are read in the reader's unit. Absent means full. Needs refill.lua and rescale.lua.

local MOST_OWN_SPENDS = 64
local SPEND_BYTES = 28

-- Spends in quanta of another unit, rounded up; those of whole tokens need no rounding.
local function spendOf(quanta, from, to)
  return -rescaled(-quanta, from, to, math.huge)
end

-- Reads a value for a policy of this unit. Unit 0 is unknown: of a spend that a region of an earlier version sent. It is
-- then taken for that of the value.
local function read(stored, capacity, unit)
  local most = unit > 0 and capacity / unit or 0
  if not stored then
    return { at = 0, level = capacity, unit = unit, most = most, spends = {} }
  end
  local at, level = struct.unpack('<dd', stored)
  local from, first = unit, 17
  if #stored % SPEND_BYTES == 32 % SPEND_BYTES then
    local mostThen
    from, mostThen = struct.unpack('<dd', stored, first)
    first, most = 33, math.max(most, mostThen)
  end
  unit = unit > 0 and unit or from
  local spends = {}
  for place = first, #stored, SPEND_BYTES do
    local spentAt, quanta, epoch, region = struct.unpack('<dddI4', stored, place)
    spends[#spends + 1] =
      { at = spentAt, quanta = from == unit and quanta or spendOf(quanta, from, unit), epoch = epoch, region = region }
  end
  return { at = at, level = rescaled(level, from, unit, capacity), unit = unit, most = most, spends = spends }
end

local function write(bucket)
  local hasUnit = bucket.unit > 0
  local parts = {
    hasUnit and struct.pack('<dddd', bucket.at, bucket.level, bucket.unit, bucket.most)
      or struct.pack('<dd', bucket.at, bucket.level),
  }
  for _, spend in ipairs(bucket.spends) do
    parts[#parts + 1] = struct.pack('<dddI4', spend.at, spend.quanta, spend.epoch, spend.region)
  end
  return table.concat(parts)
end

-- Moves all spends up to the horizon into the base.
local function fold(bucket, horizon, capacity, refill)
  if horizon <= bucket.at then
    return
  end
  local kept = {}
  for _, spend in ipairs(bucket.spends) do
    if spend.at <= horizon then
      bucket.level = refilled(bucket.level, spend.at - bucket.at, capacity, refill) - spend.quanta
      bucket.at = spend.at
    else
      kept[#kept + 1] = spend
    end
  end
  bucket.level = refilled(bucket.level, horizon - bucket.at, capacity, refill)
  bucket.at, bucket.spends = horizon, kept
end

-- The level at a time not before the base, and the last time at which the bucket was full.
local function replay(bucket, now, capacity, refill)
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
local function untilLevel(bucket, now, wanted, capacity, refill)
  local last = bucket.spends[#bucket.spends]
  local from = math.max(now, last and last.at or 0)
  local level = replay(bucket, from, capacity, refill)
  return from - now + math.max(0, timeUntil(level, wanted, refill))
end

-- Milliseconds for which a value is stored: until the bucket is full for every policy that wrote it (why: packBucket in
-- stored.lua), and `keep` longer, the latest arrival of a batch, plus a second.
local function lifeMs(bucket, now, clock, keep, capacity, refill)
  local untilFull = untilLevel(bucket, now, math.max(capacity, bucket.most * bucket.unit), capacity, refill)
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
