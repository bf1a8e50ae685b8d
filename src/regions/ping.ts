import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from './provider.ts';

const PING_MS = 5_000;
const PINGS = 4;
const BETWEEN_MS = 10;

/**
 * Milliseconds from a PING to its reply on a connection made from `localAddress`: the least of four, so that
 * this process' own delays count least. They are sent one after the other without waiting for replies, so that
 * all of it takes little more than one round trip. Rejects when no reply comes within 5 s.
 */
export async function measureRoundTrip(target: Endpoint, localAddress: string | undefined): Promise<number> {
  const socket = connect({ ...target, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.setNoDelay(true);
  const signal = AbortSignal.timeout(PING_MS);
  const sentMs: number[] = [];
  const tripsMs: number[] = [];
  try {
    await once(socket, 'connect', { signal });
    socket.on('error', () => {}); // it closes then
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('data', (data) => {
        const now = performance.now();
        for (const byte of data) if (byte === LINE_END) tripsMs.push(now - (sentMs[tripsMs.length] ?? now));
        if (tripsMs.length === PINGS) resolve();
      });
      socket.once('close', () => reject(new Error('closed before it replied')));
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    answered.catch(() => {}); // awaited below, once all are sent
    for (let sent = 0; sent < PINGS; sent++) {
      if (sent > 0) await sleep(BETWEEN_MS);
      sentMs.push(performance.now());
      socket.write('PING\r\n');
    }
    await answered;
    return Math.min(...tripsMs);
  } finally {
    socket.destroy();
  }
}

const LINE_END = '\n'.charCodeAt(0);
