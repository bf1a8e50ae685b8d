-- The value of one subject with n policies. Little-endian doubles: updatedAt in us, n levels in quanta, n times unit and
-- most, then for each reservation its number, expiresAt in us, and n times the tokens held; then n as one byte.
-- unit  quanta per token of the policy that wrote the level
-- most  largest capacity in tokens of all policies that wrote since the key was made
-- Values of before are updatedAt and the levels only, and are read in the reader's units. Absent means full. A last byte of
-- 0 is that of a lease with accounts, of which only its level is read. Needs retry-after.lua, refill.lua and rescale.lua.

-- Reads a value with reservations, of another number of policies, or without units. Fails, as struct does, if it is too
-- short. Its missing units are false, and those of policies added later nil.
local function readOther(stored, clock, count)
  local size = #stored
  local last = size % 8 == 1 and string.byte(stored, size)
  local places = last and math.max(1, last) or math.floor(size / 8) - 1
  local doubles = math.max(last and 3 * places + 1 or 2, math.floor(size / 8))
  local found = { struct.unpack('<' .. string.rep('d', doubles), stored) }
  local bucket = { found[1], entries = {} }
  for i = 1, math.min(count, places) do
    bucket[i + 1] = found[i + 1]
    bucket[count + 2 * i] = last and found[places + 2 * i]
    bucket[count + 2 * i + 1] = last and found[places + 2 * i + 1]
  end
  if (last or 0) == 0 then
    return bucket
  end
  for at = 3 * places + 2, doubles - places - 1, places + 2 do
    local entry = { found[at], found[at + 1] }
    for i = 1, count do
      entry[i + 2] = i <= places and found[at + 1 + i] or 0
    end
    if entry[2] > math.max(clock, found[1]) then
      table.insert(bucket.entries, entry)
    else
      bucket.expired = bucket.expired or {}
      table.insert(bucket.expired, entry)
    end
  end
  return bucket
end

-- Reads a value, or false, for `count` policies, whose capacity, refill and unit are ARGV[first], ARGV[first + step] and so
-- on. The bucket has now, its own time; behind, by how much it is ahead of the clock; entries, if it is not nil: the list
-- of reservations that have not expired, each a list as it is stored. bucket[i + 1] is the level now of policy i. A script
-- may change levels and entries before packBucket.
local function readBucket(stored, clock, count, first, step)
  local bucket
  if stored and #stored == 24 * count + 9 then
    local form = count == 1 and '<ddddB' or '<' .. string.rep('d', 3 * count + 1) .. 'B'
    bucket = { now = clock, behind = 0, form = form, struct.unpack(form, stored) }
  end
  if stored and (not bucket or bucket[3 * count + 2] ~= count) then
    bucket = readOther(stored, clock, count)
  end
  bucket = bucket or { now = clock, behind = 0, clock }
  local now = bucket[1] > clock and bucket[1] or clock -- a clock that steps back adds nothing and rewinds nothing
  local elapsed = now - bucket[1]
  bucket.now, bucket.behind, bucket[1] = now, now - clock, now
  local args, at, place = ARGV, first, count + 2
  for i = 1, count do
    local capacity, unit = args[at] + 0, args[at + 2] + 0 -- numbers, in half of the time of tonumber
    local level, unitThen, most = capacity, bucket[place], capacity / unit
    if unitThen ~= nil then -- a policy added later is full
      level = bucket[i + 1]
      if unitThen and unitThen ~= unit then
        level = rescaled(level, unitThen, unit, capacity)
      end
      level = refilled(level < capacity and level or capacity, elapsed, capacity, args[at + 1] + 0)
    end
    if bucket.expired then
      for _, entry in ipairs(bucket.expired) do
        level = level + math.min(entry[i + 2] * unit, capacity - level) -- a sum could exceed 2^53
      end
    end
    local mostThen = bucket[place + 1] or 0
    bucket[i + 1], bucket[place], bucket[place + 1] = level, unit, most > mostThen and most or mostThen
    at, place = at + step, place + 2
  end
  return bucket
end

-- The value of a bucket, and the milliseconds for which it is stored: a second more than until each level has reached its
-- most, and each reservation expires. With the writer's capacity in place of the most its key could expire before the
-- bucket is full for another policy. So no state is above that of a bucket of the largest capacity and the largest rate.
local function packBucket(bucket, count, first, step)
  local untilFull, size = 0, 3 * count + 1
  local args, at, place = ARGV, first + 1, count + 2
  for i = 1, count do
    local us = (bucket[place + 1] * bucket[place] - bucket[i + 1]) / args[at]
    untilFull = us > untilFull and us or untilFull
    at, place = at + step, place + 2
  end
  if bucket.entries then
    for _, entry in ipairs(bucket.entries) do
      for i = 1, count + 2 do
        bucket[size + i] = entry[i]
      end
      size = size + count + 2
      untilFull = math.max(untilFull, entry[2] - bucket.now)
    end
  end
  bucket[size + 1] = count
  local form = size == 3 * count + 1 and bucket.form or '<' .. string.rep('d', size) .. 'B'
  local packed = struct.pack(form, unpack(bucket, 1, size + 1))
  return packed, math.min(math.ceil((untilFull + bucket.behind) / 1000) + 1000, 2 ^ 53) -- PSETEX takes whole numbers
end
