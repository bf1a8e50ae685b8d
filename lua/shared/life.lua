-- The life of this region's data: its start in microseconds. It is part of a spend's id, so a server that lost writes must
-- start another life: otherwise it would give the same ids to other spends. A server changes its master_replid at every
-- start and every promotion, which is whenever it may lack the last writes. KEYS[1] is the region.
local function currentLife(life, primary, clock, maxAge)
  local here = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  if life and primary == here then
    return life, false
  end
  local begun = math.max(clock, (life or 0) + 1)
  redis.call('HSET', KEYS[1], '.life', string.format('%.0f', begun), '.primary', here)
  if life then -- the spends lost with the old life are unknown
    redis.call('HSET', KEYS[1], '.gapUntil', string.format('%.0f', clock + maxAge))
  end
  return begun, life ~= nil
end
