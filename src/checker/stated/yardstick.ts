import type { Policy } from '../../core/policy.ts';
import { type ClockBounds, withGains } from '../clocks/bounds.ts';
import { bucketLevel, type LowestLevel } from '../proofs/lowest-level.ts';
import type { Known } from '../rows/coverage.ts';
import { describesBucket, type StatedPolicy } from './describes-policy.ts';
import { HighestBucketLevel, type HighestLevel } from './highest-level.ts';
import { StatedGrowth } from './stated-growth.ts';

/** A denied request, and the levels that it can have met. Quanta, microseconds of the recorder. */
export interface Denied {
  readonly invokedUs: number;
  readonly lastUs: number;
  readonly costQuanta: number;
  /** The highest and the lowest level when it was decided. */
  readonly highest: number;
  readonly lowest: number;
}

/** What an ideal limiter may state. Waits in seconds. */
export interface Yardstick {
  readonly quantaPerToken: number;
  readonly capacityQuanta: number;
  readonly low: LowestLevel;
  readonly high: HighestLevel;
  readonly growth?: StatedGrowth;
  /** The longest wait for anything, and so the largest reset in seconds. */
  readonly mostS: number;
  describes(policy: StatedPolicy): boolean;
  /** Whether the cost cannot be there after this wait, even if nothing else is spent. */
  isTooShort(denied: Denied, waitS: number): boolean;
  /** The shortest wait after the reply; NaN if it is not computed. */
  shortestS(denied: Denied): number;
  /** The longest wait, even from the lowest level, if nothing else is spent. */
  longestS(denied: Denied): number;
  /** The longest wait even if requests are missing from the history. */
  longestOfAllS(denied: Denied): number;
  /** The refill in this time of the limiter's clock. */
  refillIn(seconds: number): number;
}

/** Rounding errors of seconds, as numbers, are smaller. */
export const TOLERANCE_S = 1e-6;

/**
 * Of a token bucket. Levels are bounded by what the limiter's clock can have shown between two moments of the recorder. A
 * wait T is a time of the limiter's own clock, in which exactly r T is refilled, however fast that clock runs. At the
 * decision, within [a, b], a limiter has at least `lowest` and at most highest + r (1 + rho)(b - a), so
 *   (cost - highest) / r - (1 + rho)(b - a)  <=  its exact wait  <=  (cost - lowest) / r.
 * T is
 *   too short  if the refill in T is less than what is missing at the end of the reply, on its clock and on the
 *              recorder's, where it is r (1 + rho) T: a slow clock reaches the end of T late, a fast one early;
 *   too long   if (cost - lowest) / r <= T - 1 s: from the lowest level, the refill alone brings the cost a second or
 *              more before, so rounding up to whole seconds does not explain it. That is so on its own clock, whose drift
 *              is in the lowest level only.
 * The lowest level allows for the lag of the clock: a bucket waits until its clock has caught up, and so does the user.
 * The same holds for resets.
 */
export class BucketYardstick implements Yardstick {
  readonly quantaPerToken: number;
  readonly capacityQuanta: number;
  readonly low: LowestLevel;
  readonly high: HighestBucketLevel;
  readonly growth: StatedGrowth;
  readonly mostS: number;
  readonly #policy: Policy;

  constructor(policy: Policy, { clock, known, fades }: { clock: ClockBounds; known: Known; fades: boolean }) {
    this.#policy = policy;
    this.quantaPerToken = policy.quantaPerToken;
    this.capacityQuanta = policy.capacityQuanta;
    this.low = bucketLevel(policy, { clock, known, fades });
    this.high = new HighestBucketLevel(policy, withGains(clock));
    this.growth = new StatedGrowth((us) => this.high.refillIn(us));
    this.mostS = this.#waitS(policy.capacityQuanta + this.low.lag.quanta);
  }

  describes(stated: StatedPolicy): boolean {
    return describesBucket(stated, this.#policy);
  }

  isTooShort(denied: Denied, waitS: number): boolean {
    return waitS < this.shortestS(denied) - TOLERANCE_S;
  }

  shortestS({ invokedUs, lastUs, costQuanta, highest }: Denied): number {
    const missing = costQuanta - this.high.later(highest, invokedUs, lastUs);
    return missing <= 0 ? 0 : missing / Math.max(this.refillIn(1), this.high.refillIn(1_000_000));
  }

  /** Above 0, also of a false denial, which is a finding of its own: a wait of a second may be rounded up. */
  longestS({ costQuanta, lowest }: Denied): number {
    return this.#waitS(Math.max(0, costQuanta - Math.max(lowest, -this.low.lag.quanta)));
  }

  longestOfAllS({ costQuanta }: Denied): number {
    return this.#waitS(costQuanta + this.low.lag.quanta);
  }

  refillIn(seconds: number): number {
    return seconds * 1_000_000 * this.#policy.quantaPerUs;
  }

  #waitS(quanta: number): number {
    return quanta / this.#policy.quantaPerUs / 1_000_000 + TOLERANCE_S;
  }
}
