#!lua
-- lua/take.lua with its state as two little-endian doubles: updatedAtUs, level.
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local level, now = capacity, clock
local stored = redis.call('GET', KEYS[1])
if stored then
  local updatedAt
  updatedAt, level = struct.unpack('<dd', stored)
  level, now = math.min(level, capacity), math.max(clock, updatedAt)
  local elapsed = now - updatedAt
  if elapsed >= math.ceil((capacity - level) / refill) then
    level = capacity
  else
    level = level + elapsed * refill
  end
end
local behind = now - clock

if level < cost then
  return { 0, level, math.ceil((cost - level) / refill) + behind, clock, now }
end

level = level - cost
local untilFull = math.ceil((capacity - level) / refill) + behind
redis.call('PSETEX', KEYS[1], math.ceil(untilFull / 1000) + 1000, struct.pack('<dd', now, level))
return { 1, level, 0, clock, now }
