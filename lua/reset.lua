#!lua
--[[
reset: fill the buckets of one subject.

KEYS[1] buckets  of any policies; absent means full
REPLY   {number of keys deleted}
]]
return { redis.call('DEL', KEYS[1]) }
