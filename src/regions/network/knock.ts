import { connect } from 'node:net';
import type { Endpoint } from '../provider.ts';
import type { Exchange } from './exchange.ts';
import { StallMeter } from './stall-meter.ts';

/** Makes a connection, once, and sends nothing: a request would be charged. Never rejects. */
export function knock({ host, port }: Endpoint, withinMs: number): Promise<Omit<Exchange, 'isConnected'>> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host, port });
    const meter = new StallMeter();
    const end = (isAnswered: boolean) => {
      clearTimeout(timer);
      meter.stop();
      socket.destroy();
      resolve({ isSent: true, isAnswered, ms: performance.now() - startedMs, stalledMs: meter.stalledMs() });
    };
    const timer = setTimeout(() => setImmediate(end, false), withinMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
