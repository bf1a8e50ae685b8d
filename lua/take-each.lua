#!lua
--[[
take-each: like take, once for each key, in their order and at one time. A key may occur more than once.

KEYS[i]          bucket    two little-endian doubles: updatedAtUs, level in quanta; absent means full
ARGV[3 * i - 2]  capacity  quanta
ARGV[3 * i - 1]  refill    quanta per microsecond
ARGV[3 * i]      cost      quanta, no more than capacity
REPLY   {server's now us, then for each key: allowed 0|1, level after, retry after us, us that the bucket is ahead of it}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local reply = { clock }

-- All keys are read before any is written: an invalid bucket fails the call before any charge.
local buckets = {}
for i = 1, #KEYS do
  local stored = redis.call('GET', KEYS[i])
  if stored then
    local updatedAt, level = struct.unpack('<dd', stored)
    buckets[KEYS[i]] = { updatedAt, level }
  end
end

for i = 1, #KEYS do
  local capacity, refill, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local bucket = buckets[KEYS[i]]
  local now, level = clock, capacity
  if bucket then
    level = math.min(bucket[2], capacity)
    now = math.max(clock, bucket[1])
    local elapsed = now - bucket[1]
    level = refilled(level, elapsed, capacity, refill)
  end
  local behind = now - clock

  local allowed, retryAfter = 0, 0
  if level < cost then
    retryAfter = timeUntil(level, cost, refill) + behind
  else
    allowed, level = 1, level - cost
    buckets[KEYS[i]] = { now, level }
    local untilFull = timeUntil(level, capacity, refill) + behind
    redis.call('PSETEX', KEYS[i], math.ceil(untilFull / 1000) + 1000, struct.pack('<dd', now, level))
  end
  local at = 4 * i - 2
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed, level, retryAfter, behind
end
return reply
