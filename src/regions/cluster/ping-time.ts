import type { Redis } from 'ioredis';

const PINGS = 4;

/** Milliseconds of a PING, the least of four. Rejects like a command. */
export async function pingTime(client: Redis): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < PINGS; at++) {
    const sentMs = performance.now();
    await client.ping();
    leastMs = Math.min(leastMs, performance.now() - sentMs);
  }
  return leastMs;
}
