#!lua
--[[
take: charge one bucket if its level covers the cost. A denial writes nothing.

KEYS[1] bucket    as shared/stored.lua, of one policy; absent means full
ARGV[1] capacity  quanta
ARGV[2] refill    quanta per microsecond
ARGV[3] unit      quanta per token
ARGV[4] cost      quanta, no more than capacity
REPLY   {allowed 0|1, level after, retry after us, server's now us, us that the bucket is ahead of it}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local capacity, refill, unit, cost = ARGV[1] + 0, ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0 -- numbers
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1])

-- Mostly the value is of one policy in this unit, without reservations: it is read and written below, in two thirds of the
-- time. Any other is read and written as by the other scripts.
local updatedAt, level, unitThen, most = clock, capacity, unit, capacity / unit
if stored and #stored == 33 then
  updatedAt, level, unitThen, most = struct.unpack('<dddd', stored)
end
if stored and (#stored ~= 33 or unitThen ~= unit) then
-- include shared/rescale.lua
-- include shared/stored.lua
  local bucket = readBucket(stored, clock, 1, 1, 4)
  level = bucket[2]
  if level < cost then
    return { 0, level, timeUntil(level, cost, refill) + bucket.behind, clock, bucket.behind }
  end
  bucket[2] = level - cost
  local packed, lifeMs = packBucket(bucket, 1, 1, 4)
  redis.call('PSETEX', KEYS[1], lifeMs, packed)
  return { 1, level - cost, 0, clock, bucket.behind }
end

local now = math.max(clock, updatedAt) -- a clock that steps back adds nothing and rewinds nothing
local behind = now - clock
level = refilled(math.min(level, capacity), now - updatedAt, capacity, refill)
if level < cost then
  return { 0, level, timeUntil(level, cost, refill) + behind, clock, behind }
end

level, most = level - cost, math.max(most, capacity / unit)
local untilFull = (most * unit - level) / refill + behind
local lifeMs = math.min(math.ceil(untilFull / 1000) + 1000, 2 ^ 53) -- why: packBucket
redis.call('PSETEX', KEYS[1], lifeMs, struct.pack('<ddddB', now, level, unit, most, 1))
return { 1, level, 0, clock, behind }
