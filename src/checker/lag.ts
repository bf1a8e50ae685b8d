import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import type { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/**
 * What is taken off the lowest level of a bucket for a clock that lags, in quanta; `isFree` while nothing is in flight.
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
export function lagOf(
  spender: LatestSpender,
  { quantaPerUs }: Policy,
  { clock, fades }: { clock: ClockLag; fades: boolean },
): (isFree: boolean) => number {
  const lagQuanta = quantaPerUs * (clock.epsilonUs + clock.backwardUs + clock.spreadUs);
  return fades
    ? (isFree) => (isFree ? Math.max(0, lagQuanta - spender.overflow()) : lagQuanta)
    : () => lagQuanta;
}

/**
 * Whether the lag of a bucket fades: where it is written by what it is charged for, and by denials for want of its tokens.
 * A limiter whose bucket follows its clock back may also write it while it is full: by a refund, a reset, a cost of 0, or a
 * denial that has another reason, and lag since then.
 */
export function doesLagFade(bucket: BucketRows, policy: Policy, refunds: readonly Refund[]): boolean {
  if (refunds.some(({ fromUs }) => Number.isFinite(fromUs)) || bucket.hasFree) return false;
  const { kinds, costTokens } = bucket.table;
  return bucket.byInvoked.subarray(0, bucket.count).every((row) => {
    const kind = kinds[row] as number;
    if ((kind & KIND.outcome) !== KIND.denied || (kind & KIND.fallback) !== 0) return true;
    return (kind & KIND.several) === 0 && (costTokens[row] as number) <= policy.capacityTokens;
  });
}
