/** The number of slots of a cluster. */
export const SLOTS = 16_384;

/**
 * The cluster slot of a key: CRC-16/XMODEM of the text between the first `{` and the next `}` if there
 * is any, otherwise of the whole key, modulo 16384.
 */
export function keySlot(key: string): number {
  const open = key.indexOf('{');
  const close = open === -1 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = nextCrc(crc, byte);
  return crc % SLOTS;
}

/** CRC-16/XMODEM of one more byte. */
export function nextCrc(crc: number, byte: number): number {
  let next = crc ^ (byte << 8);
  for (let bit = 0; bit < 8; bit++) next = (next & 0x8000 ? (next << 1) ^ 0x1021 : next << 1) & 0xffff;
  return next;
}
