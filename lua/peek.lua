#!lua flags=no-writes
--[[
peek: what one bucket holds now, without taking. Works on a replica too.

KEYS[1] bucket    hash: level in quanta, updatedAtUs in microseconds; absent means full
ARGV[1] capacity  quanta
ARGV[2] refill    quanta per microsecond
REPLY   {level now, server's now us, bucket's now us}
]]
local capacity, refill = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'level', 'updatedAtUs')

local level = math.min(tonumber(stored[1]) or capacity, capacity)
local updatedAt = tonumber(stored[2]) or clock
local now = math.max(clock, updatedAt)
local elapsed = now - updatedAt
if elapsed >= math.ceil((capacity - level) / refill) then
  level = capacity
else
  level = level + elapsed * refill
end
return { level, clock, now }
