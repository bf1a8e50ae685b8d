-- The value of one subject with n policies. Little-endian doubles: updatedAt in us, n levels in quanta, n times unit and
-- most, then for each reservation its number, expiresAt in us, and n times the tokens held; then n as one byte.
-- unit  quanta per token of the policy that wrote the level
-- most  largest capacity in tokens of all policies that wrote since the key was made
-- Values of before are updatedAt and the levels only, and are read in the reader's units. Absent means full. A last byte of
-- 0 is that of a lease with accounts, of which only its level is read. Needs refill.lua. Functions that few calls need are
-- included where they are called: to make one costs a hundredth of a decision.

-- Reads a value, or false, for `count` policies, whose capacity, refill and unit are ARGV[first], ARGV[first + step] and so
-- on. The bucket has now, its own time; behind, by how much it is ahead of the clock; entries, if it is not nil: the list
-- of reservations that have not expired, each a list as it is stored. bucket[i + 1] is the level now of policy i. A script
-- may change levels and entries before packBucket.
local function readBucket(stored, clock, count, first, step)
  local bucket
  if stored and #stored == 24 * count + 9 then
    local form = count == 1 and '<ddddB' or count == 2 and '<dddddddB' or '<' .. string.rep('d', 3 * count + 1) .. 'B'
    bucket = { now = clock, behind = 0, form = form, struct.unpack(form, stored) }
  end
  if stored and (not bucket or bucket[3 * count + 2] ~= count) then
-- include shared/stored-other.lua
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
-- include shared/rescale.lua
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
