#!lua
--[[
reset: fill the buckets of one subject. A mark of a move stays: without it there would be a second full bucket.

KEYS[1] buckets  of any policies; absent means full
REPLY   {number of keys deleted}
]]
local stored = redis.pcall('GET', KEYS[1])
if type(stored) == 'string' then -- the published script keeps a hash
-- include shared/refuse-mark.lua
end
return { redis.call('DEL', KEYS[1]) }
