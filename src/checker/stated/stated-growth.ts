import type { HighestBucketLevel } from './highest-level.ts';

/** The level that an earlier statement leaves at most. */
export interface StatedSince {
  /** The decision that stated it. */
  readonly row: number;
  /** Quanta, at `us`. */
  readonly quanta: number;
  readonly us: number;
}

/**
 * The highest level that earlier statements allow. A decision that states R tokens and began at a had less than R + 1
 * tokens after it, at a or later; so at any later moment t the bucket holds less than R + 1 + refill within [a, t]. Of
 * several statements the one that leaves the least counts. All lines have the slope of the refill, so the lowest stays
 * the lowest until another is stated.
 *
 * A failover may return the tokens of charges without a reply. So those that may have been charged before the statement
 * are added, and nothing is judged if such charges can be missing from the history.
 */
export class StatedGrowth {
  readonly #refillIn: HighestBucketLevel['refillIn'];
  #since: StatedSince | undefined;

  constructor(refillIn: HighestBucketLevel['refillIn']) {
    this.#refillIn = refillIn;
  }

  /** Adds the statement of a decision that has ended: at most `quanta` were left at `us` or later. */
  state(row: number, { us, quanta }: { readonly us: number; readonly quanta: number }, nowUs: number): void {
    const before = this.at(nowUs);
    const now = quanta + this.#refillIn(nowUs - us);
    if (before === undefined || now < before.quanta) this.#since = { row, us: nowUs, quanta: now };
  }

  /** What is left at most at `us`; undefined before any statement. Times must not decrease. */
  at(us: number): StatedSince | undefined {
    const since = this.#since;
    return since && { row: since.row, us, quanta: since.quanta + this.#refillIn(us - since.us) };
  }
}
