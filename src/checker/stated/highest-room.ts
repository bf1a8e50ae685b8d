import type { WindowPromise } from '../../core/promise.ts';
import { Sums } from '../proofs/sums.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { WindowClock } from '../windows/clock.ts';
import { leastOnRecorder } from '../windows/spans.ts';
import type { Charge, HighestLevel } from './highest-level.ts';

/**
 * The most room of a window, in tokens: its limit minus the admissions that certainly count at that moment.
 *
 * Sliding (the exact log): those that ended by t and began after t - W. Fixed, aligned to the epoch, at a known place:
 * those of the window of t, unless t may be in either of two windows. Of other windows it is not known when they begin,
 * and a sliding counter may forget earlier than an exact log, so their whole limit may be left.
 */
export function highestRoom(bucket: BucketRows, promise: WindowPromise, clock: WindowClock): HighestLevel {
  if (promise.type === 'sliding-window') return new SlidingRoom(bucket, promise, clock);
  if (promise.type === 'fixed-window' && promise.alignment === 'epoch' && clock.offset !== undefined)
    return new PlacedRoom(bucket, promise, clock);
  return {
    begin: () => 0,
    finish() {},
    at: () => promise.limit,
    within: () => promise.limit,
    later: () => promise.limit,
  };
}

export class SlidingRoom implements HighestLevel {
  readonly #bucket: BucketRows;
  readonly #limit: number;
  /** Admissions, in the order of their ends. */
  readonly #ended: number[] = [];
  readonly #lengthUs: number;
  readonly #sums: Sums;

  constructor(bucket: BucketRows, { limit, windowUs }: WindowPromise, clock: WindowClock) {
    this.#bucket = bucket;
    this.#limit = limit;
    this.#lengthUs = leastOnRecorder(windowUs, clock); // no longer than a window lasts on a fast clock
    this.#sums = new Sums(bucket, bucket.byInvoked.subarray(0, bucket.count));
  }

  begin(): number {
    return 0;
  }

  finish(_place: number, { row, quanta }: Charge): void {
    this.#sums.add(row, quanta);
    this.#ended.push(row);
  }

  /** The room at `us`, if nothing was admitted but what had ended before `endUs`. */
  roomAt(us: number, endUs: number): number {
    const { table } = this.#bucket;
    const sinceUs = us - this.#lengthUs + 1;
    let taken = this.#sums.since(sinceUs);
    for (let at = this.#ended.length - 1; at >= 0; at--) {
      const row = this.#ended[at] as number;
      if (table.lastUs(row) < endUs) break;
      if ((table.invokedUs[row] as number) >= sinceUs) taken -= table.costTokens[row] as number;
    }
    return this.#limit - taken;
  }

  at(us: number): number {
    return Math.max(0, this.#limit - this.#sums.since(us - this.#lengthUs + 1));
  }

  within(_fromUs: number, _untilUs: number, highest: number): number {
    return highest;
  }

  later(level: number): number {
    return level; // `within` is the highest until the end
  }
}

/** The numbers of the windows in which a moment of the recorder can lie. */
export function windowsAt(
  us: number,
  { windowUs }: WindowPromise,
  { offset, wanderUs }: WindowClock,
): { readonly first: number; readonly last: number } {
  const { lowestUs, highestUs } = offset ?? { lowestUs: 0, highestUs: 0 };
  return {
    first: Math.floor((us + lowestUs - wanderUs) / windowUs),
    last: Math.floor((us + highestUs + wanderUs) / windowUs),
  };
}

class PlacedRoom implements HighestLevel {
  readonly #bucket: BucketRows;
  readonly #promise: WindowPromise;
  readonly #clock: WindowClock;
  /** Tokens that were certainly admitted in each window. */
  readonly #taken = new Map<number, number>();

  constructor(bucket: BucketRows, promise: WindowPromise, clock: WindowClock) {
    this.#bucket = bucket;
    this.#promise = promise;
    this.#clock = clock;
  }

  begin(): number {
    return 0;
  }

  finish(_place: number, { row, lastUs, quanta }: Charge): void {
    const number = this.#windowOf(this.#bucket.table.invokedUs[row] as number, lastUs);
    if (number !== undefined) this.#taken.set(number, (this.#taken.get(number) ?? 0) + quanta);
  }

  at(us: number): number {
    const number = this.#windowOf(us, us);
    const taken = number === undefined ? 0 : (this.#taken.get(number) ?? 0);
    return Math.max(0, this.#promise.limit - taken);
  }

  within(fromUs: number, untilUs: number, highest: number): number {
    return this.#windowOf(fromUs, untilUs) === undefined ? this.#promise.limit : highest;
  }

  later(level: number, fromUs: number, untilUs: number): number {
    return this.#windowOf(fromUs, untilUs) === undefined ? this.#promise.limit : level;
  }

  /** The window that certainly holds all moments between; undefined if there may be another. */
  #windowOf(fromUs: number, untilUs: number): number | undefined {
    const { first } = windowsAt(fromUs, this.#promise, this.#clock);
    const { last } = windowsAt(untilUs, this.#promise, this.#clock);
    return first === last ? first : undefined;
  }
}
