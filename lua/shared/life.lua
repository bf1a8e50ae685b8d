-- The life of this region's memory: when it began, microseconds. Spends have it in their id, so a server that has less
-- than was told before must begin another: it would give the same ids to other spends. A server draws its master_replid
-- whenever it starts and whenever it is promoted, which is whenever it may lack the last writes. KEYS[1] is the region.
local function currentLife(life, primary, clock, maxAge)
  local here = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  if life and primary == here then
    return life, false
  end
  local begun = math.max(clock, (life or 0) + 1)
  redis.call('HSET', KEYS[1], '.life', string.format('%.0f', begun), '.primary', here)
  if life then -- what was lost of it is not known here
    redis.call('HSET', KEYS[1], '.gapUntil', string.format('%.0f', clock + maxAge))
  end
  return begun, life ~= nil
end
