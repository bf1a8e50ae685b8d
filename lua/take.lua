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

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored, first = redis.call('GET', KEYS[1]), 1
-- include shared/take-one.lua
if packed then
  redis.call('PSETEX', KEYS[1], lifeMs, packed)
end
return { allowed, level, retryAfter, clock, behind }
