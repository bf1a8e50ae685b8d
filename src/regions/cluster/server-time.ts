import type { Redis } from 'ioredis';

/** One reading of a server's clock, placed on the caller's monotonic clock, in microseconds. */
export interface ServerTime {
  readonly atUs: number;
  readonly serverUs: number;
  /** The error bound in either direction: half the round trip plus rounding. */
  readonly errorUs: number;
}

/** Reads the server's TIME four times and keeps the reading with the least error. */
export async function readServerTime(client: Redis, nowUs: () => number): Promise<ServerTime> {
  let best = await readOnce(client, nowUs);
  for (let again = 1; again < READINGS; again++) {
    const next = await readOnce(client, nowUs);
    if (next.errorUs < best.errorUs) best = next;
  }
  return best;
}

const READINGS = 4;

/** The server read its clock at some moment between the request and the reply. */
async function readOnce(client: Redis, nowUs: () => number): Promise<ServerTime> {
  const sentUs = nowUs();
  const [seconds = 0, microseconds = 0] = (await client.time()).map(Number);
  const answeredUs = nowUs();
  return {
    atUs: Math.round((sentUs + answeredUs) / 2),
    serverUs: seconds * 1_000_000 + microseconds,
    errorUs: Math.ceil((answeredUs - sentUs) / 2) + 1,
  };
}
