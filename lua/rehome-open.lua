#!lua
--[[
rehome-open: the last step of a move, at the new home: opens the bucket with the levels that left the old home, if it is
still closed by this move. The way adds no refill, since the clocks of two servers differ. A repeat changes nothing, and
writes, for WAIT.

KEYS[1] bucket      a mark as shared/refuse-mark.lua, then as shared/stored.lua
KEYS[2] record      as shared/move.lua
ARGV[1] number      of the move
ARGV[2] keep        milliseconds; the record is stored twice as long, since it must outlive that of the old home
ARGV[i] capacity    quanta; from 3 on, six for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
ARGV[i + 3] level   as it left, in quanta of then; of a policy that was added since, its capacity
ARGV[i + 4] then    quanta per token of the level
ARGV[i + 5] most    largest capacity in tokens of all policies that wrote
REPLY   {status as shared/move.lua, number of the move that it is about}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/stored.lua
-- include shared/move.lua

local number, keep, count = tonumber(ARGV[1]), tonumber(ARGV[2]), (#ARGV - 2) / 6
local stored = redis.call('GET', KEYS[1])
local last, state, record = lastMove(stored)
if state == OPENED and last == number then
  redis.call('PSETEX', KEYS[2], 2 * keep, record)
  return { REPEATED, number }
end
if last > number then
  return { LATER, last }
end
if state ~= CLOSED or last ~= number or stored ~= mark(number, CLOSED) then
  return { NOT_CLOSED, last }
end

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local numbers, units = { clock }, {}
for i = 3, #ARGV, 6 do
  numbers[#numbers + 1] = tonumber(ARGV[i + 3])
  units[#units + 1], units[#units + 2] = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5])
end
for _, value in ipairs(units) do
  numbers[#numbers + 1] = value
end
numbers[#numbers + 1] = count
local left = struct.pack('<' .. string.rep('d', 3 * count + 1) .. 'B', unpack(numbers))
local packed, lifeMs = packBucket(readBucket(left, clock, count, 3, 6), count, 3, 6)
redis.call('PSETEX', KEYS[1], lifeMs, packed)
redis.call('PSETEX', KEYS[2], 2 * keep, struct.pack('<dB', number, OPENED))
return { DONE, number }
