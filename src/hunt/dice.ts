import type { Random } from '../core/prng.ts';

/** Draws of one random stream. */
export class Dice {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True with this probability. */
  chance(share: number): boolean {
    return this.random() < share;
  }

  /** A whole number from `least` to `most`, each equally likely. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  /** A whole number whose logarithm is evenly spread; `least` is at least 1. */
  wide(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.random());
  }

  /** One of these, each equally likely. Throws RangeError if there is none. */
  one<T>(of: readonly T[]): T {
    const drawn = of[Math.floor(this.random() * of.length)];
    if (drawn === undefined) throw new RangeError('nothing to draw from');
    return drawn;
  }

  /** So many different ones of these, in their order. */
  some<T>(of: readonly T[], count: number): T[] {
    const left = [...of.keys()];
    while (left.length > count) left.splice(this.whole(0, left.length - 1), 1);
    return left.map((at) => of[at] as T);
  }

  seed(): number {
    return this.whole(1, 2 ** 32 - 1);
  }
}
