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
  readonly #sides: Readonly<Record<Side, OneSide>>;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const opener = new OneSide(() => this.close('opener'));
    const accepter = new OneSide(() => this.close('accepter'));
    this.#sides = { opener, accepter };
    const [upstream, downstream] = [this.#way('upstream', accepter), this.#way('downstream', opener)];
    this.ways = { upstream, downstream };
    opener.way = upstream;
    accepter.way = downstream;
  }

  hear(side: Side, hears: Hears<unknown>): void {
    this.#sides[side].hears = hears;
  }

  end(side: Side): End<unknown> {
    return this.#sides[side];
  }

  /** This side closes: its process does, or has ended. It hears nothing more. */
  close(side: Side): void {
    if (!this.#leave(this.#sides[side])) return;
    const { upstream, downstream } = this.ways;
    const [own, others] = side === 'opener' ? [upstream, downstream] : [downstream, upstream];
    others.stop();
    own.close();
    if (this.#isOver) own.stop();
  }

  /** A proxy closes both sides; all that is on the way is lost. They hear it after what happens now. */
  destroy(): void {
    const { opener, accepter } = this.#sides;
    const open = [opener, accepter].filter(({ isOpen }) => isOpen);
    for (const way of [this.ways.upstream, this.ways.downstream]) way.stop();
    for (const side of open) this.#leave(side);
    this.#options.time.after(0, () => {
      for (const { hears } of open) hears?.closed();
    });
  }

  get #isOver(): boolean {
    return !this.#sides.opener.isOpen && !this.#sides.accepter.isOpen;
  }

  #way(direction: Direction, to: OneSide): Way {
    const { time, random, delays, toxics } = this.#options;
    return new Way({
      ...{ time, random, delays, toxics: toxics[direction] },
      deliver: (message) => {
        if (to.isOpen) to.hears?.message(message);
      },
      ended: () => this.#ended(to),
    });
  }

  /** The end has arrived at this side, which closes. What a blackhole has dropped does so while the other is open. */
  #ended(side: OneSide): void {
    if (!side.isOpen) return;
    side.close();
    side.hears?.closed();
  }

  #leave(side: OneSide): boolean {
    if (!side.isOpen) return false;
    side.isOpen = false;
    if (this.#isOver) this.#options.over(this);
    return true;
  }
}

class OneSide implements End<unknown> {
  readonly close: () => void;
  isOpen = true;
  /** By which it sends. */
  way: Way | undefined;
  hears: Hears<unknown> | undefined;

  constructor(close: () => void) {
    this.close = close;
  }

  send(message: unknown, bytes: number): void {
    if (this.isOpen) this.way?.send(message, bytes);
  }
}
