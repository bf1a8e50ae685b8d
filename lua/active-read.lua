#!lua
--[[
active-read: read the spends of a region from its outbox, in the order in which they were spent.

KEYS[1] region    hash of the region that is read: .life, .primary, .gapUntil
KEYS[2] outbox    stream of its spends
ARGV[1] life      that the caller has read; if the life is another, the whole outbox is returned
ARGV[2] cursor    id of the last entry that the caller has read
ARGV[3] count     the most entries to return
ARGV[4] maxAge    how late a batch may arrive, microseconds
REPLY   {life or 0, id of the last entry returned or the cursor, newest id, missed, then of each: bucket, capacity, refill, at, quanta, life, unit}
The newest id is the id of the last entry in the outbox. Missed is the number of entries trimmed before the caller read
them; after a change of life it is a lower bound. An entry has the life in which it was made: an entry that is returned
again because a promoted replica has it is the same spend. Unit 0 is unknown: an earlier version stored none.
]]
-- include shared/life.lua
local function sequence(id)
  return tonumber(string.match(id, '%d+$'))
end

local life = '0'
local known = redis.call('HMGET', KEYS[1], '.life', '.primary')
if known[1] then
  local time = redis.call('TIME')
  local clock = time[1] * 1000000 + time[2]
  life = string.format('%.0f', (currentLife(tonumber(known[1]), known[2], clock, tonumber(ARGV[4]))))
end

local cursor = life == ARGV[1] and ARGV[2] or '0-0'
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local reply = { life, cursor, newest and newest[1] or '0-0', 0 }
local last = sequence(ARGV[2])
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. cursor, '+', 'COUNT', ARGV[3])) do
  local number = sequence(entry[1]) -- ids are 0-1, 0-2, ...
  reply[4] = reply[4] + math.max(0, number - last - 1)
  reply[2], last = entry[1], math.max(last, number)
  for i = 2, 10, 2 do
    reply[#reply + 1] = entry[2][i]
  end
  reply[#reply + 1] = entry[2][12] or life -- an earlier version stored no life
  reply[#reply + 1] = entry[2][14] or '0'
end
return reply
