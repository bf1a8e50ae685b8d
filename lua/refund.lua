#!lua
--[[
refund: give tokens back to the buckets of one subject, up to their capacities. A repeated refund with a stored id has no
effect, and its id is written again, for WAIT.

KEYS[1] buckets           as shared/stored.lua, a level for each policy; absent means full
KEYS[2] refund            only with an id: exists once the refund was made
ARGV[1] memory            milliseconds for which the id is stored
ARGV[4 * i - 2] capacity  quanta; from 2 on, four for each policy
ARGV[4 * i - 1] refill    quanta per microsecond
ARGV[4 * i] unit          quanta per token
ARGV[4 * i + 1] amount    quanta
REPLY   {server's now us, bucket's now us, then each policy's level after}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/stored.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local stored = redis.call('GET', KEYS[1])
local policies = (#ARGV - 1) / 4
local bucket = readBucket(stored, clock, policies, 2, 4)
local isNew = not KEYS[2] or redis.call('EXISTS', KEYS[2]) == 0

local reply = { clock, bucket.now }
for i = 1, policies do
  local level = bucket[i + 1]
  if isNew then
    level = level + math.min(tonumber(ARGV[4 * i + 1]), ARGV[4 * i - 2] - level) -- a sum could exceed 2^53
  end
  bucket[i + 1], reply[i + 2] = level, level
end

if KEYS[2] and isNew then -- only now: an invalid bucket has failed above, without storing the id
  redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
elseif KEYS[2] then
  redis.call('SET', KEYS[2], '', 'KEEPTTL')
end
if isNew and stored then -- an absent bucket is full already
  local packed, lifeMs = packBucket(bucket, policies, 2, 4)
  redis.call('PSETEX', KEYS[1], lifeMs, packed)
end
return reply
