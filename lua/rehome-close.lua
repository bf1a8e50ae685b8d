#!lua
--[[
rehome-close: the first step of a move, at the new home: closes the bucket, so that no process takes from it before it has
opened. A bucket that is there is replaced: it is not the subject's, whose tokens are at the old home. The steps and
their proof are in src/limiter/rehome/protocol.ts. Repeats write, for WAIT.

KEYS[1] bucket  as shared/stored.lua, then a mark as shared/refuse-mark.lua
KEYS[2] record  as shared/move.lua
ARGV[1] number  of the move
ARGV[2] keep    milliseconds for which mark and record are stored
REPLY   {status as shared/move.lua, number of the move that it is about}
]]
-- include shared/move.lua

local number, keep = tonumber(ARGV[1]), tonumber(ARGV[2])
local last, state, record = lastMove(redis.call('GET', KEYS[1]))
if last > number then
  return { LATER, last }
end
if state == OPENED and last == number then
  redis.call('PSETEX', KEYS[2], 2 * keep, record)
  return { REPEATED, number }
end
if state == OPENED then
  return { AT_HOME, last }
end
if state == LEFT and last == number then
  return { USED, last }
end
if state == CLOSED and last < number then
  return { UNFINISHED, last }
end
redis.call('PSETEX', KEYS[1], keep, mark(number, CLOSED))
redis.call('PSETEX', KEYS[2], keep, struct.pack('<dB', number, CLOSED))
return { DONE, number }
