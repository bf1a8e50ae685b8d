import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import type { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/**
 * What is taken off the lowest level of a bucket for a clock that lags, in quanta.
 *
 * Whatever the clock does, between any u <= t it shows at least (1 + slow)(t - u) - L, with L the sum of all that it is
 * granted. A level is the least over the moments u at which the bucket was full and was written of
 *   C + r * (what the clock shows between u and t) - what was spent since,
 * so L counts once, and only from such a moment. A bucket that was written at u last, and was then at v or above, holds
 *   min(C, v + r (1 + slow)(t - u) - r L),
 * and is full once its clock must have shown what it lacked: L is used up by the refill that finds no room. While nothing is
 * in flight u is no later than the last completion; while anything is, u may be just now, so that all
 * of L counts, and a completion lowers no lowest level.
 */
export interface Lag {
  /** While anything is in flight. */
  readonly quanta: number;
  readonly fades: boolean;
  /** While nothing is, at the moment that the spender was brought up to. */
  left(): number;
}

export function lagOf(
  spender: LatestSpender,
  { quantaPerUs }: Policy,
  { clock, fades }: { clock: ClockLag; fades: boolean },
): Lag {
  const quanta = quantaPerUs * (clock.epsilonUs + clock.backwardUs + clock.spreadUs);
  return { quanta, fades, left: () => (fades ? Math.max(0, quanta - spender.overflow()) : quanta) };
}

/** Of a window, whose clock is part of what it promises. */
export const NO_LAG: Lag = { quanta: 0, fades: false, left: () => 0 };

/**
 * Whether the lag of a bucket fades: where it is written by what it is charged for, and by denials for want of its tokens.
 * A limiter whose bucket follows its clock back may also write it while it is full: by a refund, a reset, a cost of 0, a
 * request that failed or repeats a decision, or a denial that has another reason, and lag since then.
 */
export function doesLagFade(bucket: BucketRows, policy: Policy, refunds: readonly Refund[]): boolean {
  if (refunds.some(({ fromUs }) => Number.isFinite(fromUs)) || bucket.hasFree) return false;
  const { kinds, costTokens } = bucket.table;
  for (let at = 0; at < bucket.count; at++) {
    const row = bucket.byInvoked[at] as number;
    const kind = kinds[row] as number;
    if ((kind & KIND.outcome) !== KIND.denied || (kind & KIND.fallback) !== 0) continue;
    if ((kind & KIND.several) !== 0 || (costTokens[row] as number) > policy.capacityTokens) return false;
  }
  return true;
}
