import { makeRandom, type Random } from '../../../src/core/prng.ts';

/** Draws of all kinds from one seed. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number, stream: string) {
    this.#random = makeRandom(seed, stream);
  }

  /** In [0, 1). */
  next(): number {
    return this.#random();
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A whole number of 0 up to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.#random();
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  shuffle<T>(items: T[]): T[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [items[at], items[other]] = [items[other] as T, items[at] as T];
    }
    return items;
  }

  /** Of mean 1. */
  exponential(): number {
    return -Math.log(1 - this.#random());
  }

  /** Mostly below 1, now and then thousands: its mean does not exist. */
  heavyTailed(): number {
    return Math.min(10_000, 0.2 * (this.#random() ** -1.1 - 1));
  }
}
