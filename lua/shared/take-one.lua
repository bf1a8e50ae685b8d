-- Statements, not a function, which would cost a twentieth of a take: they take ARGV[first + 3] from `stored`, a bucket of the
-- policy whose capacity, refill and unit are ARGV[first] and the next two, at the time `clock`. They set allowed 0|1, level
-- after, retryAfter in us, and behind, by how much the bucket is ahead of the clock; if allowed, packed, the new value, and
-- lifeMs, for which it is stored. Need retry-after.lua and refill.lua.
local capacity, refill, unit, cost = ARGV[first] + 0, ARGV[first + 1] + 0, ARGV[first + 2] + 0, ARGV[first + 3] + 0
local now, level, unitThen, most = clock, capacity, unit, capacity / unit
if stored and #stored == 33 then
  now, level, unitThen, most = struct.unpack('<dddd', stored)
end
local bucket, pack
if stored and (#stored ~= 33 or unitThen ~= unit) then
  -- Reservations, another number of policies, another unit, or none.
-- include shared/stored.lua
  bucket, pack = readBucket(stored, clock, 1, first, 4), packBucket
  now, level = bucket.now, bucket[2]
else
  -- Mostly it is of one policy in this unit, and is read and written here, in two thirds of the time.
  local updatedAt = now
  now = updatedAt > clock and updatedAt or clock -- a clock that steps back adds nothing and rewinds nothing
  level = refilled(level < capacity and level or capacity, now - updatedAt, capacity, refill)
end
local behind, allowed, retryAfter, packed, lifeMs = now - clock, 0, 0, nil, nil
if level < cost then
  retryAfter = timeUntil(level, cost, refill) + behind
else
  allowed, level = 1, level - cost
  if bucket then
    bucket[2] = level
    packed, lifeMs = pack(bucket, 1, first, 4)
  else
    most = most * unit < capacity and capacity / unit or most
    lifeMs = math.ceil(((most * unit - level) / refill + behind) / 1000) + 1000 -- why so long: packBucket
    lifeMs = lifeMs < 2 ^ 53 and lifeMs or 2 ^ 53
    packed = struct.pack('<ddddB', now, level, unit, most, 1)
  end
end
