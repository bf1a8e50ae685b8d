import type { Policy } from '../core/policy.ts';
import type { Known } from './known.ts';

/**
 * The level of a bucket that is charged as late as can be, and refilled as slowly: no bucket that took the same spends
 * holds less, apart from what is in flight. Quanta, rounded down.
 */
export class LatestSpender {
  readonly #capacity: number;
  readonly #speed: number;
  readonly #timeToFullUs: number;
  #level: number;
  #levelUs: number;

  constructor(policy: Policy, slowPpm: number, { initial, knownFromUs }: Known) {
    this.#capacity = policy.capacityQuanta;
    this.#speed = policy.quantaPerUs * Math.max(0, 1 + Math.min(0, slowPpm) / 1_000_000);
    this.#timeToFullUs = Math.ceil(this.#capacity / this.#speed); // compare before multiplying: 2^53
    this.#level = initial === 'full' ? this.#capacity : 0;
    this.#levelUs = initial === 'full' ? Number.NEGATIVE_INFINITY : knownFromUs;
  }

  /** Brings the level up to `us`. */
  levelAt(us: number): number {
    const elapsedUs = us - this.#levelUs;
    if (elapsedUs <= 0) return this.#level;
    this.#level =
      elapsedUs >= this.#timeToFullUs
        ? this.#capacity
        : Math.min(this.#capacity, this.#level + Math.floor(elapsedUs * this.#speed));
    this.#levelUs = us;
    return this.#level;
  }

  /** When refill alone fills it. */
  fullAtUs(): number {
    return this.#levelUs + (this.#capacity - this.#level) / this.#speed;
  }

  /** Spends at `us`; no bucket is below zero when a spend is over. Gives the level after. */
  spend(us: number, quanta: number): number {
    this.#level = Math.max(0, this.levelAt(us) - quanta);
    return this.#level;
  }
}
