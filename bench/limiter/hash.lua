#!lua
--[[
take: charge one bucket if its level covers the cost. A denial writes nothing.

KEYS[1] bucket    hash: level in quanta, updatedAtUs in microseconds; absent means full
ARGV[1] capacity  quanta
ARGV[2] refill    quanta per microsecond
ARGV[3] cost      quanta, no more than capacity
REPLY   {allowed 0|1, level after, retry after us, server's now us, bucket's now us}
]]
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'level', 'updatedAtUs')

local level = math.min(tonumber(stored[1]) or capacity, capacity)
local updatedAt = tonumber(stored[2]) or clock
local now = math.max(clock, updatedAt) -- a clock that steps back adds nothing and rewinds nothing
local behind = now - clock
local elapsed = now - updatedAt
if elapsed >= math.ceil((capacity - level) / refill) then -- compare before multiplying: 2^53
  level = capacity
else
  level = level + elapsed * refill
end

if level < cost then
  return { 0, level, math.ceil((cost - level) / refill) + behind, clock, now }
end

level = level - cost
-- tostring keeps 14 digits, so integers are written with %.0f. The key outlives the time to full by a second.
redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'updatedAtUs', string.format('%.0f', now))
local untilFull = math.ceil((capacity - level) / refill) + behind
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(untilFull / 1000) + 1000))
return { 1, level, 0, clock, now }
