import { connect } from 'node:net';
import type { Endpoint } from '../provider.ts';
import type { Exchange } from './exchange.ts';
import { RunningTime } from './running-time.ts';

/** Makes a connection, once, and sends nothing: a request would be charged. Never rejects. */
export function knock(
  { host, port }: Endpoint,
  withinMs: number,
): Promise<Pick<Exchange, 'isAnswered' | 'ms'>> {
  return new Promise((resolve) => {
    const time = new RunningTime(withinMs, () => end(false));
    const startedMs = time.now();
    const socket = connect({ host, port });
    const end = (isAnswered: boolean) => {
      time.stop();
      socket.destroy();
      resolve({ isAnswered, ms: time.now() - startedMs });
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
