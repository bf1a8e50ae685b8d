#!lua
-- A single value, as GCRA's TAT: the microsecond at which the bucket is full. Exact only where a microsecond adds
-- one quantum, and a clock that steps back rewinds the level, since the time of the last update is gone.
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local fullAt = math.max(tonumber(redis.call('GET', KEYS[1]) or clock), clock)
local level = capacity - (fullAt - clock) * refill

if level < cost then
  return { 0, level, math.ceil((cost - level) / refill), clock, clock }
end

level = level - cost
local untilFull = math.ceil((capacity - level) / refill)
redis.call('PSETEX', KEYS[1], math.ceil(untilFull / 1000) + 1000, clock + untilFull)
return { 1, level, 0, clock, clock }
