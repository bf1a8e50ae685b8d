import type { Redis } from 'ioredis';

/** One reading of a server's clock on the caller's monotonic clock, microseconds. */
export interface ServerTime {
  readonly atUs: number;
  readonly serverUs: number;
  /** The reading may be off by this much either way: half the round trip, and the rounding. */
  readonly errorUs: number;
}

/** Asks a server for its TIME a few times and keeps the answer that came fastest. */
export async function readServerTime(client: Redis, nowUs: () => number): Promise<ServerTime> {
  let best = await readOnce(client, nowUs);
  for (let again = 1; again < READINGS; again++) {
    const next = await readOnce(client, nowUs);
    if (next.errorUs < best.errorUs) best = next;
  }
  return best;
}

const READINGS = 4;

/** The moment of the answer lies somewhere between asking and hearing it. */
async function readOnce(client: Redis, nowUs: () => number): Promise<ServerTime> {
  const askedUs = nowUs();
  const [seconds = 0, microseconds = 0] = (await client.time()).map(Number);
  const answeredUs = nowUs();
  return {
    atUs: Math.round((askedUs + answeredUs) / 2),
    serverUs: seconds * 1_000_000 + microseconds,
    errorUs: Math.ceil((answeredUs - askedUs) / 2) + 1,
  };
}
