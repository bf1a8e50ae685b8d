#!lua
--[[
active-merge: add what another region has spent, and remember how far it was read. All or nothing: a batch that comes
again changes nothing, and so does one that was not asked for from where this region stands: it may have lost its memory
since. Without buckets and an age it tells where to go on.

KEYS[1] region    hash of this region: when what each other told was asked for, microseconds; .gapUntil; .clock, the latest
                  time at which this script ran, and .steps, how often it then ran at an earlier one
KEYS[2] cursors   hash: for each other region its life and the id of the last entry that was read
KEYS[i] bucket    base and spends: see shared/spends.lua
ARGV[1]  name      of the other region
ARGV[2]  region    number of the other region
ARGV[3]  life      of the other region
ARGV[4]  cursor    id of its last entry in this batch; empty merges nothing
ARGV[5]  asked     when it was asked for all that it has, "now steps" as replied then; empty where there is more
ARGV[6]  maxAge    how late a batch may come, microseconds
ARGV[7]  merge     spends: their union; last-write: the bucket that was written last, its level in place of quanta
ARGV[8]  from      life and cursor that the batch was asked for from, "life id"; not looked at without a cursor
ARGV[9]  missed    how many spends before this batch were lost in the other region's outbox
ARGV[at]  then for each bucket: capacity, refill, how many spends, and of each: at us, quanta, life
REPLY   {server's now us, number of the last entry that was read, its life, steps}
]]
-- include shared/spends.lua
local region, maxAge = tonumber(ARGV[2]), tonumber(ARGV[6])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local keep = ARGV[7] == 'spends' and maxAge + math.ceil(maxAge / MOST_OWN_SPENDS) or nil

-- Once the clock has stepped back, how long ago anything was asked for is not known: all of it is forgotten.
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
  local capacity, refill, count = nextNumber(), nextNumber(), nextNumber()
  local stored = redis.call('GET', KEYS[i])
  local bucket = read(stored, capacity)
  if keep then
    fold(bucket, clock - keep, capacity, refill)
  end
  for _ = 1, count do
    local spentAt, quanta, life = nextNumber(), nextNumber(), nextNumber()
    if ARGV[7] == 'spends' then
      insert(bucket, { at = spentAt, quanta = quanta, epoch = life, region = region })
    elseif spentAt > bucket.at then
      bucket.at, bucket.level = spentAt, quanta
    end
  end
  if stored or #bucket.spends > 0 or not keep then -- of what came too late nothing is left
    local now = math.max(clock, bucket.at)
    local untilFull = untilLevel(bucket, now, capacity, capacity, refill) + now - clock
    local keepMs = math.ceil((untilFull + (keep or 0)) / 1000) + 1000
    redis.call('PSETEX', KEYS[i], keepMs, write(bucket))
  end
end

-- In another life of its own, the other region may lack what it had not told.
local isAnother = ARGV[4] ~= '' and readLife ~= 0 and readLife ~= tonumber(ARGV[3])
if isAnother or tonumber(ARGV[9]) > 0 then
  redis.call('HSET', KEYS[1], '.gapUntil', string.format('%.0f', clock + maxAge))
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[4])
end
local asked, before = string.match(ARGV[5], '^(%d+) (%d+)$')
if asked and tonumber(before) == steps then
  redis.call('HSET', KEYS[1], ARGV[1], asked)
end
return position()
