-- Statements: the bucket of a lease, whose value is described in lease.lua, brought up to `clock`. They take `stored`,
-- `capacity`, `refill` and `unit`, and set updatedAt, level, most, accounts, and the function outstanding. The account of holder
-- STOP belongs to no process: while it is there, the bucket lends no more. Need refill.lua.
local STOP, STOP_US = 0, 2000000
local updatedAt, level, most, accounts = clock, capacity, capacity / unit, {}
if stored then
-- include shared/refuse-mark.lua
  updatedAt, level = struct.unpack('<dd', stored)
  local first, last = 17, #stored -- of an earlier version, without units
  if last % 8 == 1 then
    local policies = string.byte(stored, last)
    first, last = 33, policies == 0 and last - 1 or 0
    local unitThen, mostThen = struct.unpack('<dd', stored, 9 + 8 * math.max(1, policies))
    most = math.max(most, mostThen)
    if unitThen ~= unit then
-- include shared/rescale.lua
      level = rescaled(level, unitThen, unit, capacity)
    end
  end
  for at = first, last, 56 do
    accounts[#accounts + 1] = { struct.unpack('<ddddddd', stored, at) }
  end
end

local function outstanding(account)
  return math.max(0, account[4] - account[5] - account[6])
end

-- Brings the level up to a time, at most to the capacity minus the outstanding tokens.
local function advance(to)
  local room = capacity
  for _, account in ipairs(accounts) do
    room = room - outstanding(account) * unit
  end
  room = math.max(0, room)
  local elapsed = math.max(0, to - updatedAt)
  level = refilled(level, elapsed, room, refill)
  updatedAt = updatedAt + elapsed
end

-- Expired accounts are taken back, the earliest first; their outstanding tokens count as spent.
while true do
  local first
  for at, account in ipairs(accounts) do
    if account[7] <= clock and (not first or account[7] < accounts[first][7]) then
      first = at
    end
  end
  if not first then
    break
  end
  advance(accounts[first][7])
  table.remove(accounts, first)
end
advance(clock)
