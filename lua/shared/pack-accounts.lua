-- Statements: `packed`, the value of a lease, and lifeMs, for which it is stored: until all accounts are taken back and the
-- level has refilled to the largest capacity, in the worst case from 0, plus a second. Why the largest: packBucket in
-- stored.lua. Need retry-after.lua.
local full = updatedAt + timeUntil(level, most * unit, refill)
local parts = { struct.pack('<dddd', updatedAt, level, unit, most) }
for _, each in ipairs(accounts) do
  full = math.max(full, each[7] + timeUntil(0, most * unit, refill))
  parts[#parts + 1] = struct.pack('<ddddddd', unpack(each))
end
parts[#parts + 1] = string.char(#accounts == 0 and 1 or 0)
local packed, lifeMs = table.concat(parts), math.min(math.ceil((full - clock) / 1000) + 1000, 2 ^ 53) -- PSETEX takes whole numbers
