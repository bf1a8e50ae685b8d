import { connect } from 'node:net';
import type { Endpoint } from '../provider.ts';
import type { Answer } from './exchange.ts';

/** Makes a connection, once, and sends nothing: a request would be charged. Never rejects. */
export function knock({ host, port }: Endpoint, withinMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host, port });
    const end = (isAnswered: boolean, isBroken = false) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isAnswered, isBroken, ms: performance.now() - startedMs });
    };
    // After a stall of this program, sockets are read between the timer and this.
    const timer = setTimeout(() => setImmediate(end, false), withinMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false, true));
  });
}
