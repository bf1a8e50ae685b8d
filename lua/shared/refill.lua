-- The level after `elapsed` microseconds of refill, at most the capacity: src/core/bucket.ts.
local function refilled(level, elapsed, capacity, refill)
  if elapsed >= (capacity - level) / refill then -- compare before multiplying: 2^53
    return capacity
  end
  return level + elapsed * refill
end
