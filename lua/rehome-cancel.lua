#!lua
--[[
rehome-cancel: undoes the first step of a move that the old home refused: the bucket is not closed by this move any more,
but still not here. Another move may close it then.

KEYS[1] bucket  a mark as shared/refuse-mark.lua
KEYS[2] record  as shared/move.lua
ARGV[1] number  of the move
ARGV[2] keep    milliseconds for which mark and record are stored
REPLY   {status as shared/move.lua, number of the move that it is about}
]]
-- include shared/move.lua

local number, keep = tonumber(ARGV[1]), ARGV[2]
local last, state = lastMove(redis.call('GET', KEYS[1]))
if state ~= CLOSED or last ~= number then
  return { NOT_CLOSED, last }
end
redis.call('PSETEX', KEYS[1], keep, mark(number, CANCELLED))
redis.call('PSETEX', KEYS[2], keep, struct.pack('<dB', number, CANCELLED))
return { DONE, number }
