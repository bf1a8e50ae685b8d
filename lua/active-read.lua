#!lua
--[[
active-read: what a region has spent, from its outbox, in the order in which it was spent.

KEYS[1] region    hash of the region that is asked: .life
KEYS[2] outbox    stream of its spends
ARGV[1] life      of which the caller has read; another begins anew
ARGV[2] cursor    id of the last entry that the caller has read
ARGV[3] count     the most entries to give
REPLY   {life or 0, id of the last entry given or the cursor, newest id, missed, then of each: bucket, capacity, refill, at, quanta}
The newest id is that of the last entry there is. Missed are entries that were trimmed before the caller could read them.
]]
local life = redis.call('HGET', KEYS[1], '.life') or '0'
local cursor = life == ARGV[1] and ARGV[2] or '0-0'
local function sequence(id)
  return tonumber(string.match(id, '%d+$'))
end

local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local reply = { life, cursor, newest and newest[1] or '0-0', 0 }
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. cursor, '+', 'COUNT', ARGV[3])) do
  reply[4] = reply[4] + sequence(entry[1]) - sequence(reply[2]) - 1 -- ids are 0-1, 0-2, ...
  reply[2] = entry[1]
  for i = 2, 10, 2 do
    reply[#reply + 1] = entry[2][i]
  end
end
return reply
