#!lua
--[[
active-take: charge one bucket of several regions if the level by all spends known in this region covers the cost. A
denial writes nothing. A cost of 0 only reads.

KEYS[1] region    hash: .life, .primary, .gapUntil, .clock and .steps of active-merge, and for each other region the time of
                  the request for its data, microseconds
KEYS[2] outbox    stream of this region's spends, for the others
KEYS[3] bucket    base and spends: see shared/spends.lua
ARGV[1] capacity  quanta
ARGV[2] refill    quanta per microsecond
ARGV[3] unit      quanta per token
ARGV[4] cost      quanta, no more than capacity
ARGV[5] region    number of this region
ARGV[6] others    how many other regions there are
ARGV[7] maxAge    how late a batch may arrive, microseconds
ARGV[8] outbox    the most spends that wait for the other regions
ARGV[9] merge     spends: their union decides; last-write: the bucket written last replaces all others
REPLY   {allowed 0|1, level after, retry after us, server's now us, age us of the oldest data or -1}
The age is -1 if there is no data of a region since this server's clock stepped back, or none at all, or if spends of a
region were lost within the time for which they would count.
]]
-- include shared/retry-after.lua
-- include shared/refill.lua
-- include shared/rescale.lua
-- include shared/spends.lua
-- include shared/life.lua
local capacity, refill, unit, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local region, others, maxAge = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]

local known = {}
local heard, oldest = 0, clock
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  known[name] = value
  -- A request time later than now is from before a backward step of the clock: the age is unknown.
  if string.sub(name, 1, 1) ~= '.' and tonumber(value) <= clock then
    heard, oldest = heard + 1, math.min(oldest, tonumber(value))
  end
end
local hasSteppedBack = clock < tonumber(known['.clock'] or 0)
local hasGap = clock < tonumber(known['.gapUntil'] or 0)
local age = (heard < others or hasSteppedBack or hasGap) and -1 or clock - oldest

local bucket = read(redis.call('GET', KEYS[3]), capacity, refill, unit)
local grain = math.ceil(maxAge / MOST_OWN_SPENDS)
local keep = ARGV[9] == 'spends' and maxAge + grain or 0
fold(bucket, clock - keep)
local now = math.max(clock, bucket.at)
local level, fullAt = replay(bucket, now)

if level < cost then
  return { 0, level, untilLevel(bucket, now, cost) + now - clock, clock, age }
end
if cost == 0 then
  return { 1, level, 0, clock, age }
end
local life, isAnother = currentLife(tonumber(known['.life']), known['.primary'], clock, maxAge)
if isAnother then
  age = -1
end

-- Adds a spend; returns its time and the total of that time.
local function record()
  local count, last, total = 0, nil, cost
  for _, spend in ipairs(bucket.spends) do
    if spend.region == region and spend.epoch == life then
      count = count + 1
      if spend.at <= now then
        last = spend
      end
    end
  end
  local at = math.max(bucket.at + 1, count < MOST_OWN_SPENDS and now or math.ceil(now / grain) * grain)
  if last and last.at >= fullAt and now - last.at < grain then
    at = last.at -- the level at any later time is the same: the bucket was not full since
  end
  for _, spend in ipairs(bucket.spends) do
    if spend.region == region and spend.epoch == life and spend.at == at then
      total = spend.quanta + cost
    end
  end
  insert(bucket, { at = at, quanta = total, epoch = life, region = region })
  return at, total
end

local at, total
if ARGV[9] == 'spends' then
  at, total = record()
else
  at, total = bucket.at, level - cost
  bucket.level, bucket.isFull = total, false
end

redis.call('PSETEX', KEYS[3], lifeMs(bucket, now, clock, keep), write(bucket))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[8], '0-*', 'b', KEYS[3], 'c', ARGV[1], 'r', ARGV[2],
  'a', string.format('%.0f', at), 'q', string.format('%.0f', total), 'e', string.format('%.0f', life), 'u', ARGV[3])
return { 1, level - cost, 0, clock, age }
