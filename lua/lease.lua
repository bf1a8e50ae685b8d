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

-- include shared/accounts.lua
local behind = updatedAt - clock

local found, moving
for at, account in ipairs(accounts) do
  if account[1] == holder and account[2] == lease then
    found = at
  end
  moving = account[1] == STOP and account[2] or moving
end
if not found and seq > 1 then
  return { 1, 0, level, #accounts, clock, behind }
end
if not found and moving then
  return redis.error_reply(string.format('BUCKETMOVING move %.0f', moving))
end

local account = found and table.remove(accounts, found) or { holder, lease, 0, 0, 0, 0, 0 }
local before = account[6]
account[5] = math.max(account[5], used)
local out = outstanding(account)
account[6] = math.max(account[6], returned)
level = math.min(capacity, level + math.min(account[6] - before, out) * unit) -- of a larger policy before
account[4] = math.max(account[4], account[5] + account[6])

local stale = seq < account[3]
if seq > account[3] and not moving then
  local available = math.floor(level / unit)
  local tokens = available < need and 0 or math.min(want, available)
  level = level - tokens * unit
  account[4] = account[4] + tokens
  account[3] = seq
end
if not stale and not moving then
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

-- include shared/pack-accounts.lua
redis.call('PSETEX', KEYS[1], lifeMs, packed)
if moving and open then -- no reply that would renew its term
  return redis.error_reply(string.format('BUCKETMOVING move %.0f', moving))
end
return { state, account[4], level, #accounts, clock, behind }
