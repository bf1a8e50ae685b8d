import type { Policy } from '../../core/policy.ts';
import type { Known } from '../rows/coverage.ts';

/**
 * The level of a bucket that is charged as late as possible and refilled as slowly as possible: a lower bound of every
 * bucket with the same spends, apart from those in flight. Quanta, rounded down.
 */
export class LatestSpender {
  readonly #capacity: number;
  readonly #speed: number;
  readonly #timeToFullUs: number;
  #level: number;
  #levelUs: number;
  /** The time since which it is certainly full; Infinity while it is not. */
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

  /** Refill that found no room since the bucket was full, at its last update. */
  overflow(): number {
    return this.#levelUs > this.#fullUs ? Math.floor((this.#levelUs - this.#fullUs) * this.#speed) : 0;
  }

  /** The time at which refill has filled it, and `beyondQuanta` more have found no room. */
  fullAtUs(beyondQuanta = 0): number {
    return this.#levelUs + (this.#capacity - this.#level + beyondQuanta) / this.#speed;
  }

  /** Gives back at `us`, up to the capacity. */
  give(us: number, quanta: number): void {
    this.#level = Math.min(this.#capacity, this.levelAt(us) + quanta);
    if (this.#level === this.#capacity) this.#fullUs = Math.min(this.#fullUs, us);
  }

  /** Spends at `us` and returns the level after it. No bucket is negative right after a spend. */
  spend(us: number, quanta: number): number {
    this.#level = Math.max(0, this.levelAt(us) - quanta);
    if (quanta > 0) this.#fullUs = Number.POSITIVE_INFINITY;
    return this.#level;
  }
}
