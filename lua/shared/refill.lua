-- The level after `elapsed` microseconds of refill, at most the capacity: src/core/bucket.ts. Needs retry-after.lua.
local function refilled(level, elapsed, capacity, refill)
  if elapsed >= timeUntil(level, capacity, refill) then -- compare before multiplying: 2^53
    return capacity
  end
  return level + elapsed * refill
end
