import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Endpoint } from './provider.ts';

const PING_MS = 5_000;
const ROUNDS = 3;

/**
 * Milliseconds from a PING to its reply on a connection made from `localAddress`: the least of three, so that
 * this process' own delays count least. Rejects when no reply comes within 5 s.
 */
export async function measureRoundTrip(target: Endpoint, localAddress: string | undefined): Promise<number> {
  const socket = connect({ ...target, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.setNoDelay(true);
  const signal = AbortSignal.timeout(PING_MS);
  try {
    await once(socket, 'connect', { signal });
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) least = Math.min(least, await pingOnce(socket, signal));
    return least;
  } finally {
    socket.destroy();
  }
}

async function pingOnce(socket: Socket, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  socket.write('PING\r\n');
  await once(socket, 'data', { signal });
  return performance.now() - startedMs;
}
