-- Microseconds until a level has grown to the wanted level (quanta), rounded up: src/core/retry-after.ts.
local function timeUntil(level, wanted, refill)
  return math.ceil((wanted - level) / refill)
end
