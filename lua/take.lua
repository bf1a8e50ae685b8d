#!lua
--[[
take: charge one bucket if its level covers the cost. A denial writes nothing.

KEYS[1] bucket    two little-endian doubles: updatedAtUs, level in quanta; absent means full
ARGV[1] capacity  quanta
ARGV[2] refill    quanta per microsecond
ARGV[3] cost      quanta, no more than capacity
REPLY   {allowed 0|1, level after, retry after us, server's now us, us that the bucket is ahead of it}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1])

local now, level = clock, capacity
if stored then
  local updatedAt
  updatedAt, level = struct.unpack('<dd', stored)
  level = math.min(level, capacity)
  now = math.max(clock, updatedAt) -- a clock that steps back adds nothing and rewinds nothing
  local elapsed = now - updatedAt
  level = refilled(level, elapsed, capacity, refill)
end
local behind = now - clock

if level < cost then
  return { 0, level, timeUntil(level, cost, refill) + behind, clock, behind }
end

level = level - cost
local untilFull = timeUntil(level, capacity, refill) + behind
-- The key outlives the time to full by a second.
redis.call('PSETEX', KEYS[1], math.ceil(untilFull / 1000) + 1000, struct.pack('<dd', now, level))
return { 1, level, 0, clock, behind }
