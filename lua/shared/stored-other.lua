-- Reads a value with reservations, of another number of policies, or without units. Fails if it is a mark, and as struct
-- does if it is too short. Its missing units are false, and those of policies added later nil.
local function readOther(stored, clock, count)
-- include shared/refuse-mark.lua
  local size = #stored
  local last = size % 8 == 1 and string.byte(stored, size)
  local places = last and math.max(1, last) or math.floor(size / 8) - 1
  local doubles = math.max(last and 3 * places + 1 or 2, math.floor(size / 8))
  local found = { struct.unpack('<' .. string.rep('d', doubles), stored) }
  local bucket = { found[1], entries = {} }
  for i = 1, math.min(count, places) do
    bucket[i + 1] = found[i + 1]
    bucket[count + 2 * i] = last and found[places + 2 * i]
    bucket[count + 2 * i + 1] = last and found[places + 2 * i + 1]
  end
  if (last or 0) == 0 then
    return bucket
  end
  for at = 3 * places + 2, doubles - places - 1, places + 2 do
    local entry = { found[at], found[at + 1] }
    for i = 1, count do
      entry[i + 2] = i <= places and found[at + 1 + i] or 0
    end
    if entry[2] > math.max(clock, found[1]) then
      table.insert(bucket.entries, entry)
    else
      bucket.expired = bucket.expired or {}
      table.insert(bucket.expired, entry)
    end
  end
  return bucket
end
