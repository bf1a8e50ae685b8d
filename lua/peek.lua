#!lua flags=no-writes
--[[
peek: read the levels of the buckets of one subject, without taking. Works on a replica too.

KEYS[1] buckets     as shared/stored.lua, a level for each policy; absent means full
ARGV[i] capacity    quanta; from 1 on, three for each policy
ARGV[i + 1] refill  quanta per microsecond
ARGV[i + 2] unit    quanta per token
REPLY   {server's now us, bucket's now us, then each policy's level}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/stored.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local policies = #ARGV / 3
local bucket = readBucket(redis.call('GET', KEYS[1]), clock, policies, 1, 3)
return { clock, bucket.now, unpack(bucket, 2, policies + 1) }
