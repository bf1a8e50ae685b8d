  -- Statements, which fail if `stored` is a mark that a move left in the place of a bucket: the move's number as a little-endian
  -- double, then the byte 254, closed, or 255, moved. No other value ends so. Nothing may have been written before.
  if #stored == 9 and string.byte(stored, 9) >= 254 then
    local word = string.byte(stored, 9) == 254 and 'BUCKETMOVING' or 'BUCKETMOVED'
    error({ err = word .. string.format(' move %.0f', (struct.unpack('<d', stored))) })
  end
