#!lua
--[[
rehome-leave: the second step of a move, at the old home: swaps the bucket for a mark, and answers its levels as of then. A
repeat answers the same, and writes, for WAIT. Tokens that reservations hold stay spent. While tokens of the bucket are
lent, it lends no more, and this step is to be repeated.

KEYS[1] bucket      as shared/stored.lua or lease.lua, then a mark as shared/refuse-mark.lua; absent means full
KEYS[2] record      as shared/move.lua
ARGV[1] number      of the move
ARGV[2] keep        milliseconds for which the record is stored, and the mark at least
ARGV[3] lends       1 if the strategy lends, else 0
ARGV[4] to          number of the new home: levels leave for one home only
ARGV[i] capacity    quanta; from 5 on, three for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
REPLY   {status as shared/move.lua, number of the move that it is about, us until all lent tokens are back, then for each policy: level, unit, most}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/stored.lua
-- include shared/move.lua

local function left(record, status)
  local reply = { status, (struct.unpack('<d', record)), 0 }
  for at = 18, #record, 24 do
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = struct.unpack('<ddd', record, at)
  end
  return reply
end

local number, keep, to, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4]), (#ARGV - 4) / 3
local stored = redis.call('GET', KEYS[1])
local last, state, record = lastMove(stored)
if last > number then
  return { LATER, last, 0 }
end
if state == LEFT and last == number and record and struct.unpack('<d', record, 10) == to then
  redis.call('PSETEX', KEYS[1], math.max(keep, redis.call('PTTL', KEYS[1])), mark(number, LEFT))
  redis.call('PSETEX', KEYS[2], keep, record)
  return left(record, REPEATED)
end
if state and last == number then
  return { USED, last, 0 }
end
if state == CLOSED then
  return { UNFINISHED, last, 0 }
end
if state == LEFT or state == CANCELLED then
  return { AWAY, last, 0 }
end

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
if stored and (#stored % 8 == 1 and string.byte(stored, #stored) == 0 or #stored % 8 == 0 and ARGV[3] == '1') then
  local i = 5
  local capacity, refill, unit = ARGV[i] + 0, ARGV[i + 1] + 0, ARGV[i + 2] + 0
-- include shared/accounts.lua
  local untilUs = 0
  for at = #accounts, 1, -1 do
    if accounts[at][1] == STOP then
      table.remove(accounts, at)
    else
      untilUs = math.max(untilUs, accounts[at][7])
    end
  end
  if #accounts > 0 then
    accounts[#accounts + 1] = { STOP, number, 1, 0, 0, 0, untilUs + STOP_US }
-- include shared/pack-accounts.lua
    redis.call('PSETEX', KEYS[1], lifeMs, packed)
    return { LENT, number, untilUs - clock }
  end
  stored = struct.pack('<ddddB', updatedAt, level, unit, most, 1)
end

local bucket = readBucket(stored, clock, count, 5, 3)
bucket.entries = nil -- what they hold is not in the level
local _, lifeMs = packBucket(bucket, count, 5, 3)
record = struct.pack('<dBd', number, LEFT, to)
for i = 1, count do
  record = record .. struct.pack('<ddd', bucket[i + 1], bucket[count + 2 * i], bucket[count + 2 * i + 1])
end
-- After the mark the bucket would be full: not before it would have refilled.
redis.call('PSETEX', KEYS[1], math.max(keep, lifeMs), mark(number, LEFT))
redis.call('PSETEX', KEYS[2], keep, record)
return left(record, DONE)
