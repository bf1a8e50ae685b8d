import { type Command, Redis } from 'ioredis';
import { RunningTimer } from '../network/running-timer.ts';
import type { Endpoint, Login } from '../provider.ts';

const COMMAND_MS = 2_000;

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
  readonly #withinMs: number;
  /** A command that waits for the connection is sent twice. */
  readonly #limited = new WeakSet<Command>();

  constructor(withinMs: number, { host, port, ...login }: Endpoint & Login) {
    super({ host, port, ...login, maxRetriesPerRequest: 0, retryStrategy: () => 50 });
    this.#withinMs = withinMs;
  }

  override sendCommand(...[command, ...rest]: Parameters<Redis['sendCommand']>): unknown {
    if (!this.#limited.has(command)) {
      this.#limited.add(command);
      const timer = new RunningTimer(this.#withinMs, () => command.reject(new Error('Command timed out')));
      const stop = () => timer.stop();
      command.promise.then(stop, stop);
    }
    return super.sendCommand(command, ...rest);
  }
}
