-- What a key knows of the last move of its bucket: src/limiter/rehome/protocol.ts. The record is little-endian: the move's number
-- as a double, its state as a byte, then, if the bucket left, the number of its new home, and for each policy level in
-- quanta, unit and most as in stored.lua, as of then. KEYS[1] is the bucket's key, KEYS[2] the record's.

local CLOSED, OPENED, LEFT, CANCELLED = 1, 2, 3, 4

-- The status of a reply.
local DONE, REPEATED = 0, 1
local LATER = 2 -- a move with a higher number was here
local UNFINISHED = 3 -- the bucket of another move is closed here
local AT_HOME = 4 -- another move opened the bucket here, and it has not left
local AWAY = 5 -- another move took the bucket away from here
local USED = 6 -- another step here, or a move to another home, had the same number
local NOT_CLOSED = 7 -- the bucket is not closed here by this move
local LENT = 8 -- tokens of the bucket are lent

-- The number and state of the last move, and its record; the mark alone, if the record was lost. 0 if there was none.
local function lastMove(stored)
  local record = redis.call('GET', KEYS[2])
  if record then
    local number, state = struct.unpack('<dB', record)
    return number, state, record
  end
  if stored and #stored == 9 and string.byte(stored, 9) >= 254 then
    return struct.unpack('<d', stored), string.byte(stored, 9) == 254 and CLOSED or LEFT
  end
  return 0
end

local function mark(number, state)
  return struct.pack('<dB', number, state == CLOSED and 254 or 255)
end
