#!lua
--[[
take-all: charge the buckets of one subject, one for each policy, if every level covers its cost. A denial writes
nothing. A repeated take with a stored id returns the first admission and charges nothing. The admission is written
again, since WAIT covers writes of its own connection only, and the replicas may not have it yet.

KEYS[1] buckets      little-endian doubles: updatedAtUs, then a level in quanta for each policy; absent means full
KEYS[2] admission    only with an id: little-endian doubles: server's now us, then the buckets as they were left
ARGV[1] memory       milliseconds for which an admission is stored
ARGV[i] capacity     quanta; from 2 on, three for each policy
ARGV[i + 1] refill   quanta per microsecond
ARGV[i + 2] cost     quanta, no more than capacity
REPLY   {allowed 0|1, remembered 0|1, server's now us, bucket's now us, then for each policy: level after, retry after us}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

if KEYS[2] then
  local admission = redis.call('GET', KEYS[2])
  if admission then
    redis.call('SET', KEYS[2], admission, 'KEEPTTL')
    local clock, now = struct.unpack('<dd', admission)
    local reply = { 1, 1, clock, now }
    for at = 17, #admission, 8 do
      reply[#reply + 1] = struct.unpack('<d', admission, at)
      reply[#reply + 1] = 0
    end
    return reply
  end
end

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1]) or ''
local now, elapsed = clock, 0
if stored ~= '' then
  local updatedAt = struct.unpack('<d', stored)
  now = math.max(clock, updatedAt)
  elapsed = now - updatedAt
end
local behind = now - clock

local reply = { 1, 0, clock, now }
local state, untilFull = struct.pack('<d', now), 0
for i = 2, #ARGV, 3 do
  local capacity, refill, cost = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local level, at = capacity, (i + 1) / 3 * 8 + 1
  if at < #stored then -- a policy added later is full
    level = math.min(struct.unpack('<d', stored, at), capacity)
    level = refilled(level, elapsed, capacity, refill)
  end
  local retryAfter = 0
  if level < cost then
    reply[1], retryAfter = 0, timeUntil(level, cost, refill) + behind
  end
  level = level - cost
  reply[#reply + 1] = level
  reply[#reply + 1] = retryAfter
  state = state .. struct.pack('<d', level)
  untilFull = math.max(untilFull, timeUntil(level, capacity, refill))
end

if reply[1] == 0 then
  for i = 2, #ARGV, 3 do
    local at = (i + 1) / 3 * 2 + 3
    reply[at] = reply[at] + ARGV[i + 2] -- nothing was taken
  end
  return reply
end

redis.call('PSETEX', KEYS[1], math.ceil((untilFull + behind) / 1000) + 1000, state)
if KEYS[2] then
  redis.call('PSETEX', KEYS[2], ARGV[1], struct.pack('<d', clock) .. state)
end
return reply
