import { connect } from 'node:net';
import type { Endpoint } from '../provider.ts';
import type { Exchange } from './exchange.ts';

/** Makes a connection, once, and sends nothing: a request would be charged. Never rejects. */
export function knock({ host, port }: Endpoint, withinMs: number): Promise<Omit<Exchange, 'isConnected'>> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host, port });
    const end = (isAnswered: boolean, isRefused = false) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isAnswered, isRefused, ms: performance.now() - startedMs });
    };
    const timer = setTimeout(() => end(false), withinMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false, true));
  });
}
