#!lua
--[[
reserve: charge the buckets of one subject if every level covers its cost, and store in a record what is held. A repeated
reserve returns the first admission and charges nothing; the record is written again, for WAIT. A reservation that has
expired is made again, since it holds nothing.

KEYS[1] buckets     lua/shared/stored.lua; absent means full
KEYS[2] record      lua/shared/record.lua
ARGV[1] number      random, below 2^53: tells this reservation from others of the same id
ARGV[2] expiry      microseconds after which its tokens are given back, 0 for never
ARGV[3] memory      milliseconds for which the record is stored
ARGV[i] capacity    quanta; from 4 on, four for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
ARGV[i + 3] cost    tokens, no more than the capacity
REPLY   {status: 1 allowed, 0 denied, 7 too many with expiry; remembered 0|1, server's now us, bucket's now us, number, extensions, expires at us or 0, settled 0|1, then for each policy: level after, retry after us, tokens held, tokens settled}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/stored.lua
-- include shared/record.lua

local MOST_ENTRIES = 64

local policies = readPolicies(4)
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[2])
local bucket = readBucket(redis.call('GET', KEYS[1]), clock, #policies, 4, 4)
if stored then
  local known = readRecord(stored, policies)
  if known.isSettled == 1 or holds(known, bucket) then
    redis.call('SET', KEYS[2], stored, 'KEEPTTL')
    return replyOf(1, 1, known, 'level')
  end
end

local charged = charge(bucket, policies)
local expiry = tonumber(ARGV[2])
local record = {
  number = tonumber(ARGV[1]),
  expiresAt = expiry > 0 and bucket.now + expiry or 0,
  expiry = expiry,
  memory = tonumber(ARGV[3]),
  extensions = 0,
  mark = 0,
  isSettled = 0,
  clock = clock,
  now = bucket.now,
  lastClock = clock,
  lastNow = bucket.now,
  parts = {},
}
for i, policy in ipairs(policies) do
  local held = charged.isAllowed and policy.tokens or 0
  record.parts[i] = { held = held, settled = 0, level = charged.levels[i], lastLevel = charged.levels[i] }
end
if not charged.isAllowed then
  return replyOf(0, 0, record, 'level', charged)
end
if expiry > 0 then
  if bucket.entries and #bucket.entries >= MOST_ENTRIES then
    return replyOf(7, 0, record, 'level')
  end
  putEntry(bucket, nil, record)
end

local packed, untilFull = packBucket(bucket, #policies, 4, 4)
redis.call('PSETEX', KEYS[1], untilFull, packed)
redis.call('PSETEX', KEYS[2], record.memory, packRecord(record, policies))
return replyOf(1, 0, record, 'level')
