#!lua
--[[
lease: a holder borrows tokens of one bucket, reports used tokens, and returns others. The protocol and its proof are in
src/limiter/strategies/lease/protocol.ts.

KEYS[1] bucket    little-endian doubles: updatedAtUs, level in quanta, unit and most as in shared/stored.lua, then for each
                  account: holder, lease, seq, granted, used, returned, takenBackAtUs; then a byte, 0 or without
                  accounts 1; absent means full, without loans
ARGV[1] terms     capacity in quanta, refill in quanta per microsecond, unit in quanta per token, and kept: the us from now until
                  the account is taken back, the lease and the margin
ARGV[2] request   holder, number of the process; lease, its number of the lease; seq, number of the request in the lease,
                  1 opens it; used and returned, tokens since the lease was opened; want, tokens; need, tokens, fewer
                  are of no use
REPLY   {account 0 open|1 ended|2 stale, granted since opened, level after, accounts, server's now us, us that the bucket is ahead of it}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

-- Two texts of numbers: eleven arguments would cost a client more than the rest of the request.
local capacity, refill, unit, kept = string.match(ARGV[1], '(%d+) (%d+) (%d+) (%d+)')
local holder, lease, seq, used, returned, want, need =
  string.match(ARGV[2], '(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)')
capacity, refill, unit, kept = tonumber(capacity), tonumber(refill), tonumber(unit), tonumber(kept)
holder, lease, seq, used = tonumber(holder), tonumber(lease), tonumber(seq), tonumber(used)
returned, want, need = tonumber(returned), tonumber(want), tonumber(need)
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1])

-- With very many users most buckets are new. This is what the rest would do, in two thirds of its time.
if not stored and seq == 1 and used + returned == 0 then
  local available = math.floor(capacity / unit)
  local tokens = available < need and 0 or math.min(want, available)
  if tokens == 0 then
    return { 1, 0, capacity, 0, clock, 0 }
  end
  local level, lifetime = capacity - tokens * unit, kept + timeUntil(0, capacity, refill)
  local form, most = '<dddddddddddB', available
  local packed = struct.pack(form, clock, level, unit, most, holder, lease, seq, tokens, 0, 0, clock + kept, 0)
  redis.call('PSETEX', KEYS[1], math.ceil(lifetime / 1000) + 1000, packed)
  return { 0, tokens, level, 1, clock, 0 }
end

local updatedAt, level, most, accounts = clock, capacity, capacity / unit, {}
if stored then
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
local behind = updatedAt - clock

local found
for at, account in ipairs(accounts) do
  if account[1] == holder and account[2] == lease then
    found = at
  end
end
if not found and seq > 1 then
  return { 1, 0, level, #accounts, clock, behind }
end

local account = found and table.remove(accounts, found) or { holder, lease, 0, 0, 0, 0, 0 }
local before = account[6]
account[5] = math.max(account[5], used)
local out = outstanding(account)
account[6] = math.max(account[6], returned)
level = math.min(capacity, level + math.min(account[6] - before, out) * unit) -- of a larger policy before
account[4] = math.max(account[4], account[5] + account[6])

local stale = seq < account[3]
if seq > account[3] then
  local available = math.floor(level / unit)
  local share = math.ceil(available / (#accounts + 1))
  local tokens = available < need and 0 or math.min(want, available, math.max(need, share))
  level = level - tokens * unit
  account[4] = account[4] + tokens
  account[3] = seq
end
if not stale then
  account[7] = math.max(account[7], updatedAt + kept)
end
local open = outstanding(account) > 0
if open then
  accounts[#accounts + 1] = account
end
local state = stale and 2 or open and 0 or 1
if not found and not open then
  return { state, account[4], level, #accounts, clock, behind }
end

-- The key lives until all accounts are taken back and the level has refilled to the largest capacity, in the worst case
-- from 0, plus a second. Why the largest: packBucket in shared/stored.lua.
local full = updatedAt + timeUntil(level, most * unit, refill)
local packed = { struct.pack('<dddd', updatedAt, level, unit, most) }
for _, each in ipairs(accounts) do
  full = math.max(full, each[7] + timeUntil(0, most * unit, refill))
  packed[#packed + 1] = struct.pack('<ddddddd', unpack(each))
end
packed[#packed + 1] = string.char(#accounts == 0 and 1 or 0)
local lifeMs = math.min(math.ceil((full - clock) / 1000) + 1000, 2 ^ 53) -- PSETEX takes whole numbers
redis.call('PSETEX', KEYS[1], lifeMs, table.concat(packed))
return { state, account[4], level, #accounts, clock, behind }
