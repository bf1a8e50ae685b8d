-- A level in quanta of another unit: floor(level * to / from), at most the capacity. Exact: src/core/rescale.ts.
local function rescaled(level, from, to, capacity)
  if from == to then
    return math.min(level, capacity)
  end
  local tokens = math.floor(level / from)
  if tokens * to >= capacity then
    return capacity
  end
  local rest = level - tokens * from
  if rest * to < 2 ^ 53 then
    return tokens * to + math.floor(rest * to / from)
  end
  -- Long multiplication and division of rest * to, bit by bit of `to`. Each number stays below 2^53, since from <= 2^52.
  local quotient, remainder, left, bit = 0, 0, to, 2 ^ 52
  while bit >= 1 do
    quotient, remainder = 2 * quotient, 2 * remainder
    if remainder >= from then
      quotient, remainder = quotient + 1, remainder - from
    end
    if left >= bit then
      left, remainder = left - bit, remainder + rest
      if remainder >= from then
        quotient, remainder = quotient + 1, remainder - from
      end
    end
    bit = bit / 2
  end
  return tokens * to + quotient
end
