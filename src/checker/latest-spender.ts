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
  /** Since when it is known to have been full; Infinity while it is not. */
  #fullUs: number;

  constructor(policy: Policy, slowPpm: number, { initial, knownFromUs }: Known) {
    this.#capacity = policy.capacityQuanta;
    this.#speed = policy.quantaPerUs * Math.max(0, 1 + Math.min(0, slowPpm) / 1_000_000);
    this.#timeToFullUs = Math.ceil(this.#capacity / this.#speed); // compare before multiplying: 2^53
    this.#level = initial === 'full' ? this.#capacity : 0;
    this.#levelUs = initial === 'full' ? Number.NEGATIVE_INFINITY : knownFromUs;
    this.#fullUs = initial === 'full' ? knownFromUs : Number.POSITIVE_INFINITY;
  }

  /** Brings the level up to `us`. */
  levelAt(us: number): number {
    const elapsedUs = us - this.#levelUs;
    if (elapsedUs <= 0) return this.#level;
    const level =
      elapsedUs >= this.#timeToFullUs
        ? this.#capacity
        : Math.min(this.#capacity, this.#level + Math.floor(elapsedUs * this.#speed));
    if (level === this.#capacity && this.#level < level) this.#fullUs = Math.ceil(this.fullAtUs());
    this.#level = level;
    this.#levelUs = us;
    return level;
  }

  /** Refill that found no room since it was full, at the moment that its level was brought up to. */
  overflow(): number {
    return this.#levelUs > this.#fullUs ? Math.floor((this.#levelUs - this.#fullUs) * this.#speed) : 0;
  }

  /** When refill alone fills it, and as much beyond has found no room. */
  fullAtUs(beyondQuanta = 0): number {
    return this.#levelUs + (this.#capacity - this.#level + beyondQuanta) / this.#speed;
  }

  /** Spends at `us`; no bucket is below zero when a spend is over. Gives the level after. */
  spend(us: number, quanta: number): number {
    this.#level = Math.max(0, this.levelAt(us) - quanta);
    if (quanta > 0) this.#fullUs = Number.POSITIVE_INFINITY;
    return this.#level;
  }
}
