#!lua
--[[
refund: give tokens back to the buckets of one subject, up to their capacities. A repeated refund with a stored id has no
effect, and its id is written again, for WAIT.

KEYS[1] buckets      little-endian doubles: updatedAtUs, then a level in quanta for each policy; absent means full
KEYS[2] refund       only with an id: exists once the refund was made
ARGV[1] memory       milliseconds for which the id is stored
ARGV[i] capacity     quanta; from 2 on, three for each policy
ARGV[i + 1] refill   quanta per microsecond
ARGV[i + 2] amount   quanta
REPLY   {server's now us, bucket's now us, then each policy's level after}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1]) or ''
local updatedAt = stored == '' and clock or struct.unpack('<d', stored)
local now = math.max(clock, updatedAt)
local elapsed = now - updatedAt
local isNew = not KEYS[2] or redis.call('EXISTS', KEYS[2]) == 0

local reply = { clock, now }
local state, untilFull = struct.pack('<d', now), 0
for i = 2, #ARGV, 3 do
  local capacity, refill, amount = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local level, at = capacity, (i + 1) / 3 * 8 + 1
  if at < #stored then
    level = math.min(struct.unpack('<d', stored, at), capacity)
    level = refilled(level, elapsed, capacity, refill)
  end
  if isNew then
    level = level + math.min(amount, capacity - level) -- a sum could exceed 2^53
  end
  reply[#reply + 1] = level
  state = state .. struct.pack('<d', level)
  untilFull = math.max(untilFull, timeUntil(level, capacity, refill))
end

if KEYS[2] and isNew then -- only now: an invalid bucket has failed above, without storing the id
  redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
elseif KEYS[2] then
  redis.call('SET', KEYS[2], '', 'KEEPTTL')
end
if isNew and stored ~= '' then -- an absent bucket is full already
  redis.call('PSETEX', KEYS[1], math.ceil((untilFull + now - clock) / 1000) + 1000, state)
end
return reply
