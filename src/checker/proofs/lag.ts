import type { Policy } from '../../core/policy.ts';
import { KIND } from '../../history/columns/table.ts';
import { backwardBy, type ClockLag } from '../clocks/bounds.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/**
 * The allowance for a lagging clock, in quanta. It is subtracted from the lowest level of a bucket.
 *
 * Between any u <= t the limiter's clock shows at least (1 + slow)(t - u) - L, with L the sum of its grants. A level is
 * the least, over the moments u at which the bucket was full and was written, of
 *   C + r * (what the clock shows between u and t) - what was spent since,
 * so L counts once, and only from such a moment. A bucket that was last written at u, with a level of at least v, holds
 *   min(C, v + r (1 + slow)(t - u) - r L),
 * and is full once its clock must have shown the missing time: refill that finds no room uses L up. While nothing is in
 * flight, u is at most the last completion. While an operation is in flight, u may be just now, so all of L counts, and a
 * completion lowers no lowest level.
 */
export interface Lag {
  /** The most of it, at any time. */
  readonly quanta: number;
  readonly fades: boolean;
  /** While an operation is in flight. */
  at(us: number): number;
  /** While none is; the spender is up to date. */
  left(us: number): number;
}

export function lagOf(
  spender: LatestSpender,
  { quantaPerUs }: Policy,
  { clock, fades: mayFade }: { clock: ClockLag; fades: boolean },
): Lag {
  const fades = mayFade && clock.lagReturns !== true;
  const ofUs = (backwardUs: number) => quantaPerUs * (clock.epsilonUs + backwardUs + clock.spreadUs);
  const at = (us: number) => ofUs(backwardBy(clock, us));
  return {
    quanta: ofUs(clock.backwardUs),
    fades,
    at,
    left: (us) => (fades ? Math.max(0, at(us) - spender.overflow()) : at(us)),
  };
}

/** For a window, whose clock is a part of its promise. */
export const NO_LAG: Lag = { quanta: 0, fades: false, at: () => 0, left: () => 0 };

/**
 * Whether the lag of a bucket fades. It does if only charges and denials for lack of tokens write the bucket. A limiter
 * whose bucket follows its clock back may write it while it is full, and lag from then on: at a refund, a reset, a cost
 * of 0, a request that failed or repeats a decision, or a denial for another reason.
 */
export function doesLagFade(bucket: BucketRows, policy: Policy, refunds: readonly Refund[]): boolean {
  if (refunds.some(({ fromUs }) => Number.isFinite(fromUs)) || bucket.hasFree) return false;
  const { kinds, costTokens } = bucket.table;
  for (let at = 0; at < bucket.count; at++) {
    const row = bucket.byInvoked[at] as number;
    const kind = kinds[row] as number;
    if ((kind & KIND.outcome) !== KIND.denied || (kind & KIND.fallback) !== 0) continue;
    if ((kind & KIND.multiBucket) !== 0 || (costTokens[row] as number) > policy.capacityTokens) return false;
  }
  return true;
}
