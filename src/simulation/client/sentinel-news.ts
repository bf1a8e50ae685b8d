import type { Timer } from '../../core/time.ts';
import { backoff } from '../../limiter/redis/command-timeout.ts';
import type { Network, Place } from '../network.ts';
import type { Answer, Command } from '../nodes/messages.ts';

export interface SentinelNewsOptions {
  readonly network: Network;
  readonly from: Place;
  readonly sentinels: readonly string[];
  /** A Sentinel names another primary. */
  readonly onSwitch: (primary: string) => void;
}

const SUBSCRIBE_BYTES = 60;

/**
 * The news of failovers that Sentinels publish (`+switch-master`), by a connection to each, as ioredis has them. One that
 * ends is opened again. Left out: ioredis subscribes again with each connection to a primary.
 */
export class SentinelNews {
  readonly #subscriptions: readonly Subscription[];

  constructor({ sentinels, ...options }: SentinelNewsOptions) {
    this.#subscriptions = sentinels.map((node) => new Subscription(node, options));
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }
}

class Subscription {
  readonly #node: string;
  readonly #options: Omit<SentinelNewsOptions, 'sentinels'>;
  #connection: { close(): void } | undefined;
  #attempts = 0;
  #pause: Timer | undefined;

  constructor(node: string, options: Omit<SentinelNewsOptions, 'sentinels'>) {
    this.#node = node;
    this.#options = options;
    this.#connect();
  }

  close(): void {
    this.#pause?.cancel();
    this.#connection?.close();
  }

  #connect(): void {
    const { network, from, onSwitch } = this.#options;
    this.#connection = network.connect<Command, Answer>(
      from,
      { node: this.#node, port: 'data' },
      {
        opened: (end) => end.send({ name: 'subscribe' }, SUBSCRIBE_BYTES),
        message: (answer) => {
          this.#attempts = 0;
          if ('primary' in answer) onSwitch(answer.primary);
        },
        closed: () => {
          this.#pause = network.time.after(backoff(++this.#attempts) * 1_000, () => this.#connect());
        },
      },
    );
  }
}
