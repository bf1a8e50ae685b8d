#!lua
--[[
active-read: what a region has spent, from its outbox, in the order in which it was spent.

KEYS[1] region    hash of the region that is asked: .life
KEYS[2] outbox    stream of its spends
ARGV[1] life      of which the caller has read; another begins anew
ARGV[2] cursor    id of the last entry that the caller has read
ARGV[3] count     the most entries to give
REPLY   {life or 0, id of the last entry given or the cursor, then for each: bucket, capacity, refill, at us, quanta}
]]
local life = redis.call('HGET', KEYS[1], '.life') or '0'
local cursor = life == ARGV[1] and ARGV[2] or '0-0'
local reply = { life, cursor }
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. cursor, '+', 'COUNT', ARGV[3])) do
  reply[2] = entry[1]
  for i = 2, 10, 2 do
    reply[#reply + 1] = entry[2][i]
  end
end
return reply
