import { type Command, Redis } from 'ioredis';
import type { Endpoint, Login } from '../provider.ts';

const COMMAND_MS = 2_000;
const TICK_MS = 100;

/**
 * A connection to one node for cluster commands. Commands fail at once if the node is gone, and after `withinMs`,
 * connecting included. Time in which this program was stalled does not count: the answer may have arrived meanwhile.
 */
export function connectDirect(endpoint: Endpoint & Login, withinMs = COMMAND_MS): Redis {
  const client = new DirectConnection(withinMs, endpoint);
  client.on('error', () => {});
  return client;
}

class DirectConnection extends Redis {
  readonly #ticks: number;
  /** A command that waits for the connection is sent twice. */
  readonly #limited = new WeakSet<Command>();

  constructor(withinMs: number, { host, port, ...login }: Endpoint & Login) {
    super({ host, port, ...login, maxRetriesPerRequest: 0, retryStrategy: () => 50 });
    this.#ticks = Math.ceil(withinMs / TICK_MS);
  }

  override sendCommand(...[command, ...rest]: Parameters<Redis['sendCommand']>): unknown {
    if (!this.#limited.has(command)) {
      this.#limited.add(command);
      afterTicks(this.#ticks, command.promise, () => command.reject(new Error('Command timed out')));
    }
    return super.sendCommand(command, ...rest);
  }
}

/** Calls `onLate` after so many ticks unless `awaited` settles before. After a stall, sockets are read between two ticks. */
function afterTicks(ticks: number, awaited: Promise<unknown>, onLate: () => void): void {
  let left = ticks;
  let timer: NodeJS.Timeout | undefined;
  let isSettled = false;
  const count = () => {
    if (isSettled) return;
    left--;
    if (left > 0) timer = setTimeout(() => setImmediate(count), TICK_MS);
    else onLate();
  };
  const stop = () => {
    isSettled = true;
    clearTimeout(timer);
  };
  awaited.then(stop, stop);
  timer = setTimeout(() => setImmediate(count), TICK_MS);
}
