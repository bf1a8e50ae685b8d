-- The record of one reservation. Little-endian doubles: its random number, expiresAt in us (0 for never), expiry in us,
-- memory in ms, extensions so far, the random mark of the last, settled 0|1, server's and bucket's now at the admission and
-- at the last extension or settlement, then for each policy: unit, tokens held, tokens settled, levels in quanta after the
-- admission and after the last extension or settlement. Needs rescale.lua and stored.lua.

-- The policies of a call, from ARGV[first] on, each with a number of tokens; -1 are all that is held.
local function readPolicies(first)
  local policies = {}
  for i = first, #ARGV, 4 do
    policies[#policies + 1] = {
      capacity = tonumber(ARGV[i]), refill = tonumber(ARGV[i + 1]), unit = tonumber(ARGV[i + 2]), tokens = tonumber(ARGV[i + 3]),
    }
  end
  return policies
end

-- Policies are matched by place, as those of a bucket; of one that was added later nothing is held.
local function readRecord(stored, policies)
  local record = { parts = {} }
  record.number, record.expiresAt, record.expiry, record.memory, record.extensions, record.mark, record.isSettled,
    record.clock, record.now, record.lastClock, record.lastNow = struct.unpack('<ddddddddddd', stored)
  for i, policy in ipairs(policies) do
    local at = 49 + 40 * i
    local part = { held = 0, settled = 0, level = policy.capacity, lastLevel = policy.capacity }
    if at < #stored then
      local unit, held, settled, level, lastLevel = struct.unpack('<ddddd', stored, at)
      part.held, part.settled = held, settled
      part.level = rescaled(level, unit, policy.unit, policy.capacity)
      part.lastLevel = rescaled(lastLevel, unit, policy.unit, policy.capacity)
    end
    record.parts[i] = part
  end
  return record
end

-- The record of the reservation of this number, its value, and the reply if it is refused: 2, there is none; 8, another has its id.
local function findRecord(policies, number)
  local stored = redis.call('GET', KEYS[2])
  local record = stored and readRecord(stored, policies)
  if not record then
    return nil, nil, { 2 }
  end
  if record.number ~= tonumber(number) then
    return nil, nil, { 8 }
  end
  return record, stored
end

local function packRecord(record, policies)
  local packed = struct.pack('<ddddddddddd', record.number, record.expiresAt, record.expiry, record.memory,
    record.extensions, record.mark, record.isSettled, record.clock, record.now, record.lastClock, record.lastNow)
  for i, policy in ipairs(policies) do
    local part = record.parts[i]
    packed = packed .. struct.pack('<ddddd', policy.unit, part.held, part.settled, part.level, part.lastLevel)
  end
  return packed
end

-- Whether an unsettled reservation still holds its tokens, and with an expiry the place of its entry in the bucket. Only
-- the entry counts then: once it is gone its tokens were given back, whatever the record says.
local function holds(record, bucket)
  if record.expiresAt == 0 then
    return true
  end
  for place, entry in ipairs(bucket.entries or {}) do
    if entry[1] == record.number then
      return true, place
    end
  end
  return false
end

-- Takes each policy's tokens if every level covers them; otherwise takes none.
local function charge(bucket, policies)
  local charged = { isAllowed = true, levels = {}, waits = {} }
  for i, policy in ipairs(policies) do
    local level, cost = bucket[i + 1], policy.tokens * policy.unit
    charged.levels[i], charged.waits[i] = level, 0
    if level < cost then
      charged.isAllowed = false
      charged.waits[i] = timeUntil(level, cost, policy.refill) + bucket.behind
    end
  end
  if charged.isAllowed then
    for i, policy in ipairs(policies) do
      charged.levels[i] = charged.levels[i] - policy.tokens * policy.unit
      bucket[i + 1] = charged.levels[i]
    end
  end
  return charged
end

-- Puts the reservation's entry into the bucket, at its place or as the last.
local function putEntry(bucket, place, record)
  local entry = { record.number, record.expiresAt }
  for i, part in ipairs(record.parts) do
    entry[i + 2] = part.held
  end
  bucket.entries = bucket.entries or {}
  bucket.entries[place or #bucket.entries + 1] = entry
end

-- The reply of every script of reservations: with the levels and waits of a denial, else with those after the admission
-- (`level`) or after the last extension or settlement (`lastLevel`).
local function replyOf(status, isRemembered, record, which, denied)
  local clock, now = record.lastClock, record.lastNow
  if which == 'level' then
    clock, now = record.clock, record.now
  end
  local reply = { status, isRemembered, clock, now, record.number, record.extensions, record.expiresAt, record.isSettled }
  for i, part in ipairs(record.parts) do
    reply[#reply + 1] = denied and denied.levels[i] or part[which]
    reply[#reply + 1] = denied and denied.waits[i] or 0
    reply[#reply + 1] = part.held
    reply[#reply + 1] = part.settled
  end
  return reply
end
