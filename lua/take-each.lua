#!lua
--[[
take-each: like take, once for each key, in their order and at one time. A key may occur more than once.

KEYS[i]          bucket    as shared/stored.lua, of one policy; absent means full
ARGV[4 * i - 3]  capacity  quanta
ARGV[4 * i - 2]  refill    quanta per microsecond
ARGV[4 * i - 1]  unit      quanta per token
ARGV[4 * i]      cost      quanta, no more than capacity
REPLY   {server's now us, then for each key: allowed 0|1, level after, retry after us, us that the bucket is ahead of it; or of a mark: 2 closed|3 moved, number of the move, 0, 0}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local reply = { clock }

-- All keys are read before any is written: an invalid bucket fails the call before any charge. A mark fails its take only.
local values, marks = {}, {}
for i, key in ipairs(KEYS) do
  if values[key] == nil then
    values[key] = redis.call('GET', KEYS[i])
    if values[key] and #values[key] == 9 and string.byte(values[key], 9) >= 254 then
      marks[key] = { string.byte(values[key], 9) - 252, (struct.unpack('<d', values[key])) }
    elseif values[key] and #values[key] ~= 33 then
-- include shared/stored.lua
      readBucket(values[key], clock, 1, 4 * i - 3, 4)
    end
  end
end

for i, key in ipairs(KEYS) do
  local stored, first, at = values[key], 4 * i - 3, 4 * i - 2
  local mark = marks[key]
  if mark then
    reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = mark[1], mark[2], 0, 0
  else
-- include shared/take-one.lua
    if packed then
      redis.call('PSETEX', KEYS[i], lifeMs, packed)
      values[key] = packed
    end
    reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed, level, retryAfter, behind
  end
end
return reply
