#!lua
--[[
article: the published guide's token bucket as printed, kept for comparison. Its faults are the point: the
client's clock in whole seconds, a floor that drops fractions, no write on a denial.

KEYS[1] bucket    hash: tokens, timestamp in seconds; absent means full
ARGV[1] capacity  tokens
ARGV[2] rate      tokens per second
ARGV[3] now       the client's clock, whole seconds
REPLY   {allowed 0|1}
]]
local capacity, rate, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'timestamp')
local tokens = tonumber(stored[1]) or capacity
local timestamp = tonumber(stored[2]) or now

local elapsed = now - timestamp
local refill = math.floor(elapsed * rate)
if refill > 0 then
  tokens = math.min(tokens + refill, capacity)
  timestamp = now
end
if tokens <= 0 then
  return { 0 }
end

redis.call('HSET', KEYS[1], 'tokens', tokens - 1, 'timestamp', timestamp)
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / rate))
return { 1 }
