import type { WindowPromise } from '../../core/promise.ts';
import type { WindowClock, WindowOffset } from './clock.ts';

/**
 * A lower bound of the room of a sliding counter of two cells of the epoch, in tokens. At the share f of a cell it counts
 *   what is in the cell + (1 - f) what is in the one before.
 * A cost that is taken later counts for longer, and f is least on a clock that is behind. So each is taken at the latest
 * moment that the clock may show, and weighed at the earliest one: between takes the room only rises.
 */
export class LatestCounter {
  readonly #promise: WindowPromise;
  readonly #clock: WindowClock;
  readonly #offset: WindowOffset;
  /** Tokens by the number of their cell. */
  readonly #taken = new Map<number, number>();

  constructor(promise: WindowPromise, clock: WindowClock, offset: WindowOffset) {
    this.#promise = promise;
    this.#clock = clock;
    this.#offset = offset;
  }

  /** The room at `us`. Times must not decrease. 0 while operations missing from the history may count. */
  levelAt(us: number): number {
    const { limit, windowUs } = this.#promise;
    const shownUs = us + this.#offset.lowestUs - this.#clock.wanderUs;
    const cell = Math.floor(shownUs / windowUs);
    if (us - 2 * windowUs - 2 * this.#clock.wanderUs <= this.#clock.knownFromUs) return 0;
    const before = 1 - (shownUs - cell * windowUs) / windowUs;
    let room = limit;
    for (const [number, tokens] of this.#taken)
      if (number < cell - 1) this.#taken.delete(number);
      else room -= number < cell ? before * tokens : tokens;
    return room;
  }

  spend(us: number, tokens: number): number {
    const cell = Math.floor((us + this.#offset.highestUs + this.#clock.wanderUs) / this.#promise.windowUs);
    this.#taken.set(cell, (this.#taken.get(cell) ?? 0) + tokens);
    return this.levelAt(us);
  }
}
