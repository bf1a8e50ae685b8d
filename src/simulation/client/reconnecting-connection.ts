import type { Timer } from '../../core/time.ts';
import { backoff } from '../../limiter/redis/command-timeout.ts';
import { NodeConnection, type NodeConnectionOptions } from './node-connection.ts';

export interface ReconnectingOptions extends Omit<NodeConnectionOptions, 'onEnd' | 'onReady'> {
  readonly onReady: () => void;
  /** It is not connected any more, or could not connect; it tries again a little later. */
  readonly onLost: (error: Error | undefined) => void;
}

/** A connection to one node that is opened again when it ends, after the pauses of the limiter's clients. */
export class ReconnectingConnection {
  readonly #options: ReconnectingOptions;
  #current: NodeConnection | undefined;
  #attempts = 0;
  #pause: Timer | undefined;
  #isClosed = false;

  constructor(options: ReconnectingOptions) {
    this.#options = options;
    this.#connect();
  }

  /** Undefined during a pause. */
  get current(): NodeConnection | undefined {
    return this.#current;
  }

  close(): void {
    this.#isClosed = true;
    this.#pause?.cancel();
    this.#current?.close();
  }

  #connect(): void {
    const { onReady, onLost, network } = this.#options;
    const connection = new NodeConnection({
      ...this.#options,
      onReady: () => {
        this.#attempts = 0;
        onReady();
      },
      onEnd: (error) => {
        this.#current = undefined;
        onLost(error);
        if (this.#isClosed) return;
        this.#pause = network.time.after(backoff(++this.#attempts) * 1_000, () => this.#connect());
      },
    });
    this.#current = connection;
  }
}
