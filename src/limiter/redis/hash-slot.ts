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
  for (let at = 0; at < hashed.length; at++) {
    const byte = hashed.charCodeAt(at);
    if (byte > 0x7f) return slotOf(Buffer.from(hashed));
    crc = nextCrc(crc, byte);
  }
  return crc % SLOTS;
}

function slotOf(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = nextCrc(crc, byte);
  return crc % SLOTS;
}

/** CRC-16/XMODEM of one more byte. */
export function nextCrc(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (OF_BYTE[(crc >> 8) ^ byte] as number);
}

/** The checksum of each byte alone. */
const OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  return crc;
});
