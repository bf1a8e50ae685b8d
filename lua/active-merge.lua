#!lua
--[[
active-merge: add the spends of another region, and store how far its outbox was read. A batch is merged as a whole or
not at all. A repeated batch changes nothing. So does a batch that was not requested from this region's current position,
since this region may have lost its data. A bucket keeps the policy that took last in this region. Without a cursor the
script only returns the position.

KEYS[1] region    hash of this region: for each other region the time of the request for its data, microseconds; .gapUntil;
                  .clock, the latest time of a run of this script; .steps, how often it ran at an earlier time
KEYS[2] cursors   hash: for each other region its life and the id of the last entry read
KEYS[i] bucket    base and spends: see shared/spends.lua
ARGV[1]  name      of the other region
ARGV[2]  region    number of the other region
ARGV[3]  life      of the other region
ARGV[4]  cursor    id of its last entry in this batch; empty merges nothing
ARGV[5]  requested "now steps" of the reply before the requests for all its data; empty if more data follows
ARGV[6]  maxAge    how late a batch may arrive, microseconds
ARGV[7]  merge     spends: their union; last-write: the bucket written last, with its level in place of quanta
ARGV[8]  from      life and cursor of the request for the batch, "life id"; ignored without a cursor
ARGV[9]  missed    how many spends before this batch were lost in the other region's outbox
ARGV[at]  then for each bucket: capacity, refill, unit (0 unknown: of an earlier version), how many spends, and of each: at
          us, quanta, life
REPLY   {server's now us, number of the last entry read, its life, steps}
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/spends.lua
local region, maxAge = tonumber(ARGV[2]), tonumber(ARGV[6])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local keep = ARGV[7] == 'spends' and maxAge + math.ceil(maxAge / MOST_OWN_SPENDS) or nil

-- After a backward step of the clock the age of all data is unknown, so all request times are deleted.
local latest = redis.call('HMGET', KEYS[1], '.clock', '.steps')
local steps = tonumber(latest[2] or 0)
if clock < tonumber(latest[1] or 0) then
  steps = steps + 1
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 1) ~= '.' then
      redis.call('HDEL', KEYS[1], name)
    end
  end
  redis.call('HSET', KEYS[1], '.steps', steps)
end
redis.call('HSET', KEYS[1], '.clock', string.format('%.0f', clock))

local function position()
  local read = redis.call('HGET', KEYS[2], ARGV[1]) or '0 0-0'
  local life, number = string.match(read, '^(%d+) 0%-(%d+)$')
  return { clock, tonumber(number), tonumber(life), steps }
end

local readLife = position()[3]
if ARGV[4] ~= '' and (redis.call('HGET', KEYS[2], ARGV[1]) or '0 0-0') ~= ARGV[8] then
  return position()
end

local at = 9
local function nextNumber()
  at = at + 1
  return tonumber(ARGV[at])
end

for i = 3, #KEYS do
  local capacity, refill, unit, count = nextNumber(), nextNumber(), nextNumber(), nextNumber()
  local stored = redis.call('GET', KEYS[i])
  local bucket = read(stored, capacity, refill, unit, true)
  local from = unit > 0 and unit or bucket.unit
  if keep then
    fold(bucket, clock - keep)
  end
  for _ = 1, count do
    local spentAt, quanta, life = nextNumber(), nextNumber(), nextNumber()
    if ARGV[7] == 'spends' then
      insert(bucket, { at = spentAt, quanta = spendOf(quanta, from, bucket.unit), epoch = life, region = region })
    elseif spentAt > bucket.at then
      bucket.at, bucket.level, bucket.isFull = spentAt, rescaled(quanta, from, bucket.unit, bucket.capacity), false
    end
  end
  if stored or #bucket.spends > 0 or not keep then -- spends that arrived too late leave no key
    local now = math.max(clock, bucket.at)
    redis.call('PSETEX', KEYS[i], lifeMs(bucket, now, clock, keep or 0), write(bucket))
  end
end

-- After a change of life, the other region may have lost spends that were not read.
local isAnother = ARGV[4] ~= '' and readLife ~= 0 and readLife ~= tonumber(ARGV[3])
if isAnother or tonumber(ARGV[9]) > 0 then
  redis.call('HSET', KEYS[1], '.gapUntil', string.format('%.0f', clock + maxAge))
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[4])
end
local requested, before = string.match(ARGV[5], '^(%d+) (%d+)$')
if requested and tonumber(before) == steps then
  redis.call('HSET', KEYS[1], ARGV[1], requested)
end
return position()
