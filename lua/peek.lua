#!lua flags=no-writes
--[[
peek: read the levels of the buckets of one subject, without taking. Works on a replica too.

KEYS[1] buckets     little-endian doubles: updatedAtUs, then a level in quanta for each policy; absent means full
ARGV[i] capacity    quanta; from 1 on, two for each policy
ARGV[i + 1] refill  quanta per microsecond
REPLY   {server's now us, bucket's now us, then each policy's level}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1]) or ''
local updatedAt = stored == '' and clock or struct.unpack('<d', stored)
local now = math.max(clock, updatedAt)
local elapsed = now - updatedAt

local reply = { clock, now }
for i = 1, #ARGV, 2 do
  local capacity, refill = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local level, at = capacity, (i + 1) / 2 * 8 + 1
  if at < #stored then
    level = math.min(struct.unpack('<d', stored, at), capacity)
    level = refilled(level, elapsed, capacity, refill)
  end
  reply[#reply + 1] = level
end
return reply
