import type { Random } from '../../core/prng.ts';
import type { Delays } from '../delays.ts';
import type { End, Hears } from '../network.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { Toxic } from './slot.ts';
import { Way } from './way.ts';

/** Upstream: from the side that connected to the side that accepted. */
export type Direction = 'upstream' | 'downstream';

/** The two sides of a connection. */
export type Side = 'opener' | 'accepter';

export interface ConnectionOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly delays: Delays;
  readonly toxics: Readonly<Record<Direction, readonly Toxic[]>>;
  /** Called once, when both sides are closed. */
  readonly over: (connection: Connection) => void;
}

/**
 * An open connection. A side that closes is heard of at the other after all that it sent before; the other side is closed
 * then. What is on its way to a closed side is lost.
 */
export class Connection {
  readonly ways: Readonly<Record<Direction, Way>>;
  readonly #options: ConnectionOptions;
  readonly #hears: Partial<Record<Side, Hears<unknown>>> = {};
  readonly #open = new Set<Side>(['opener', 'accepter']);

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.ways = {
      upstream: this.#way('upstream', 'accepter'),
      downstream: this.#way('downstream', 'opener'),
    };
  }

  hear(side: Side, hears: Hears<unknown>): void {
    this.#hears[side] = hears;
  }

  end(side: Side): End<unknown> {
    const way = side === 'opener' ? this.ways.upstream : this.ways.downstream;
    return {
      send: (message, bytes) => {
        if (this.#open.has(side)) way.send(message, bytes);
      },
      close: () => this.close(side),
    };
  }

  /** This side closes: its process does, or has ended. It hears nothing more. */
  close(side: Side): void {
    if (!this.#leave(side)) return;
    const { upstream, downstream } = this.ways;
    const [own, others] = side === 'opener' ? [upstream, downstream] : [downstream, upstream];
    others.stop();
    own.close();
    if (this.#open.size === 0) own.stop();
  }

  /** A proxy closes both sides; all that is on the way is lost. They hear it after what happens now. */
  destroy(): void {
    const open = [...this.#open];
    for (const way of [this.ways.upstream, this.ways.downstream]) way.stop();
    for (const side of open) this.#leave(side);
    this.#options.time.after(0, () => {
      for (const side of open) this.#hears[side]?.closed();
    });
  }

  #way(direction: Direction, to: Side): Way {
    const { time, random, delays, toxics } = this.#options;
    return new Way({
      ...{ time, random, delays, toxics: toxics[direction] },
      deliver: (message) => {
        if (this.#open.has(to)) this.#hears[to]?.message(message);
      },
      ended: () => this.#ended(to),
    });
  }

  /** The end has arrived at this side, which closes. What a blackhole has dropped does so while the other is open. */
  #ended(side: Side): void {
    if (!this.#open.has(side)) return;
    this.close(side);
    this.#hears[side]?.closed();
  }

  #leave(side: Side): boolean {
    if (!this.#open.delete(side)) return false;
    if (this.#open.size === 0) this.#options.over(this);
    return true;
  }
}
