#!lua
--[[
take-all: charge the buckets of one subject, one for each policy, if every level covers its cost. A denial writes
nothing. A repeated take with a stored id returns the first admission and charges nothing. The admission is written
again, since WAIT covers writes of its own connection only, and the replicas may not have it yet.

KEYS[1] buckets           as shared/stored.lua, a level for each policy; absent means full
KEYS[2] admission         only with an id: server's now us as a little-endian double, then the buckets as they were left
ARGV[1] memory            milliseconds for which an admission is stored
ARGV[4 * i - 2] capacity  quanta; from 2 on, four for each policy
ARGV[4 * i - 1] refill    quanta per microsecond
ARGV[4 * i] unit          quanta per token
ARGV[4 * i + 1] cost      quanta, no more than capacity
REPLY   {allowed 0|1, remembered 0|1, server's now us, bucket's now us, then for each policy: level after, retry after us}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/stored.lua

local policies = (#ARGV - 1) / 4
if KEYS[2] then
  local admission = redis.call('GET', KEYS[2])
  if admission then
    redis.call('SET', KEYS[2], admission, 'KEEPTTL')
    local clock = struct.unpack('<d', admission)
    local left = readBucket(string.sub(admission, 9), 0, policies, 2, 4)
    local reply = { 1, 1, clock, left.now }
    for i = 1, policies do
      reply[2 * i + 3], reply[2 * i + 4] = left[i + 1], 0
    end
    return reply
  end
end

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local bucket = readBucket(redis.call('GET', KEYS[1]), clock, policies, 2, 4)

local reply = { 1, 0, clock, bucket.now }
for i = 1, policies do
  local level, cost = bucket[i + 1], ARGV[4 * i + 1] + 0
  local retryAfter = 0
  if level < cost then
    reply[1], retryAfter = 0, timeUntil(level, cost, tonumber(ARGV[4 * i - 1])) + bucket.behind
  end
  bucket[i + 1] = level - cost
  reply[2 * i + 3], reply[2 * i + 4] = level - cost, retryAfter
end

if reply[1] == 0 then
  for i = 1, policies do
    reply[2 * i + 3] = reply[2 * i + 3] + ARGV[4 * i + 1] -- nothing was taken
  end
  return reply
end

local packed, lifeMs = packBucket(bucket, policies, 2, 4)
redis.call('PSETEX', KEYS[1], lifeMs, packed)
if KEYS[2] then
  redis.call('PSETEX', KEYS[2], ARGV[1], struct.pack('<d', clock) .. packed)
end
return reply
