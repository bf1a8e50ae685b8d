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

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local reply = { clock }

-- All keys are read before any is written: an invalid bucket fails the call before any charge.
local values = {}
for i, key in ipairs(KEYS) do
  if values[key] == nil then
    values[key] = redis.call('GET', KEYS[i])
    if values[key] and #values[key] ~= 33 then
-- include shared/stored.lua
      readBucket(values[key], clock, 1, 4 * i - 3, 4)
    end
  end
end

for i, key in ipairs(KEYS) do
  local stored, first = values[key], 4 * i - 3
-- include shared/take-one.lua
  if packed then
    redis.call('PSETEX', KEYS[i], lifeMs, packed)
    values[key] = packed
  end
  local at = 4 * i - 2
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed, level, retryAfter, behind
end
return reply
