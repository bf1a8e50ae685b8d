#!lua
--[[
take-each: like take, once for each key, in their order and at one time. A key may occur more than once.

KEYS[i]          bucket    as shared/stored.lua, of one policy; absent means full
ARGV[4 * i - 3]  capacity  quanta
ARGV[4 * i - 2]  refill    quanta per microsecond
ARGV[4 * i - 1]  unit      quanta per token
ARGV[4 * i]      cost      quanta, no more than capacity
REPLY   {server's now us, then for each key: allowed 0|1, level after, retry after us, us that the bucket is ahead of it}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/stored.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local reply = { clock }

-- All keys are read before any is written: an invalid bucket fails the call before any charge.
local values, buckets = {}, {}
for i = 1, #KEYS do
  if values[KEYS[i]] == nil then
    local stored = redis.call('GET', KEYS[i])
    values[KEYS[i]], buckets[i] = stored, readBucket(stored, clock, 1, 4 * i - 3, 4)
  end
end

for i = 1, #KEYS do
  local bucket = buckets[i] or readBucket(values[KEYS[i]], clock, 1, 4 * i - 3, 4)
  local cost, level = ARGV[4 * i] + 0, bucket[2]
  local allowed, retryAfter = 0, 0
  if level < cost then
    retryAfter = timeUntil(level, cost, tonumber(ARGV[4 * i - 2])) + bucket.behind
  else
    allowed, level = 1, level - cost
    bucket[2] = level
    local packed, lifeMs = packBucket(bucket, 1, 4 * i - 3, 4)
    redis.call('PSETEX', KEYS[i], lifeMs, packed)
    values[KEYS[i]] = packed
  end
  local at = 4 * i - 2
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed, level, retryAfter, bucket.behind
end
return reply
