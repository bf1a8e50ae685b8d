#!lua
--[[
extend: charge a reservation more tokens. Each extension has a number and a random mark. A repeated extension returns the
last admission and charges nothing; the record is written again, for WAIT. A denial writes nothing.

KEYS[1] buckets     lua/shared/stored.lua; absent means full
KEYS[2] record      lua/shared/record.lua
ARGV[1] number      of the reservation
ARGV[2] extension   1 for the first
ARGV[3] mark        random, below 2^53: tells this extension from that of another process
ARGV[i] capacity    quanta; from 4 on, four for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
ARGV[i + 3] cost    tokens, no more than the capacity
REPLY   {status: 1 allowed, 0 denied, 2 unknown, 3 expired, 4 settled, 5 extended by another, 8 another with its id; remembered 0|1, server's now us, bucket's now us, number, extensions, expires at us or 0, settled 0|1, then for each policy: level after, retry after us, tokens held, tokens settled}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/stored.lua
-- include shared/record.lua

local policies = readPolicies(4)
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local record, stored, refusal = findRecord(policies, ARGV[1])
if refusal then
  return refusal
end
if record.isSettled == 1 then
  return replyOf(4, 0, record, 'lastLevel')
end
local bucket = readBucket(redis.call('GET', KEYS[1]), clock, #policies, 4, 4)
local isHeld, place = holds(record, bucket)
if not isHeld then
  return replyOf(3, 0, record, 'lastLevel')
end
local extension, mark = tonumber(ARGV[2]), tonumber(ARGV[3])
if extension <= record.extensions then
  if extension < record.extensions or mark ~= record.mark then
    return replyOf(5, 0, record, 'lastLevel')
  end
  redis.call('SET', KEYS[2], stored, 'KEEPTTL')
  return replyOf(1, 1, record, 'lastLevel')
end

local charged = charge(bucket, policies)
record.lastClock, record.lastNow = clock, bucket.now
if not charged.isAllowed then
  return replyOf(0, 0, record, 'lastLevel', charged)
end
record.extensions, record.mark = extension, mark
for i, policy in ipairs(policies) do
  local part = record.parts[i]
  part.held = math.min(part.held + policy.tokens, 2 ^ 53 - 1)
  part.lastLevel = charged.levels[i]
end
if place then
  record.expiresAt = math.max(record.expiresAt, bucket.now + record.expiry)
  putEntry(bucket, place, record)
end

local packed, untilFull = packBucket(bucket, #policies, 4, 4)
redis.call('PSETEX', KEYS[1], untilFull, packed)
redis.call('PSETEX', KEYS[2], record.memory, packRecord(record, policies))
return replyOf(1, 0, record, 'lastLevel')
