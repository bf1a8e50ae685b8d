#!lua
--[[
settle: give back what a reservation holds and has not used, and mark its record in the same step, so that nothing is given
back twice. A repeated settle returns the first settlement; the record is written again, for WAIT. Of a reservation with
expiry, only what its entry in the bucket still holds is given back.

KEYS[1] buckets     lua/shared/stored.lua; absent means full
KEYS[2] record      lua/shared/record.lua
ARGV[1] number      of the reservation
ARGV[2] memory      milliseconds for which the settled record is stored
ARGV[i] capacity    quanta; from 3 on, four for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
ARGV[i + 3] cost    tokens used, -1 for all that is held
REPLY   {status: 1 settled, 2 unknown, 3 expired, 6 more used than held, 8 another with its id; remembered 0|1, server's now us, bucket's now us, number, extensions, expires at us or 0, settled 0|1, then for each policy: level after, 0, tokens held, tokens settled}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/stored.lua
-- include shared/record.lua

local policies = readPolicies(3)
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local record, stored, refusal = findRecord(policies, ARGV[1])
if refusal then
  return refusal
end
if record.isSettled == 1 then
  redis.call('SET', KEYS[2], stored, 'KEEPTTL')
  return replyOf(1, 1, record, 'lastLevel')
end
local found = redis.call('GET', KEYS[1])
local bucket = readBucket(found, clock, #policies, 3, 4)
local isHeld, place = holds(record, bucket)
if not isHeld then
  return replyOf(3, 0, record, 'lastLevel')
end
for i, policy in ipairs(policies) do
  if policy.tokens > record.parts[i].held then
    return replyOf(6, 0, record, 'lastLevel')
  end
end

local entry = place and table.remove(bucket.entries, place)
for i, policy in ipairs(policies) do
  local part = record.parts[i]
  part.settled = policy.tokens < 0 and part.held or policy.tokens
  local back = math.max(0, (entry and (entry[i + 2] or 0) or part.held) - part.settled)
  local level = bucket[i + 1]
  part.lastLevel = level + math.min(back * policy.unit, policy.capacity - level) -- a sum could exceed 2^53
  bucket[i + 1] = part.lastLevel
end
record.lastClock, record.lastNow, record.isSettled = clock, bucket.now, 1

if found then -- an absent bucket is full already
  local packed, untilFull = packBucket(bucket, #policies, 3, 4)
  redis.call('PSETEX', KEYS[1], untilFull, packed)
end
redis.call('PSETEX', KEYS[2], ARGV[2], packRecord(record, policies))
return replyOf(1, 0, record, 'lastLevel')
