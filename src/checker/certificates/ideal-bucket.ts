import type { Policy } from '../../core/policy.ts';
import type { BucketDemands } from './bucket-demands.ts';
import { BusyBucket, type BusyPeriod } from './busy-bucket.ts';
import { type Attempt, START, startOf } from './demands.ts';
import type { Ideal } from './ideal.ts';
import { tokenOrder } from './token-order.ts';

/** An ideal token bucket. */
export function idealBucket(policy: Policy): Ideal<BusyPeriod> {
  return {
    begin: (demands, attempt) => new BusyBucket(policy, demands, { ...attempt, startUs: startOf(demands) }),
    arrange: (demands) => demands,
    reorder: (demands) => tokenOrder(demands, policy),
    later: (attempt, misses, share) => later(attempt, misses, { policy, share }),
  };
}

/** The level at the first moment, by the first reply that shows one; a full bucket if none does. */
export function findStart(demands: BucketDemands, policy: Policy): number {
  const { order } = demands;
  const first = order.find((row) => !Number.isNaN(demands.foundQuanta(row)));
  if (first === undefined) return policy.capacityQuanta;
  const elapsedUs = demands.fromUs(first) - demands.fromUs(order[0] as number);
  const found = Math.min(policy.capacityQuanta, demands.foundQuanta(first));
  return elapsedUs >= found / policy.quantaPerUs ? 0 : found - elapsedUs * policy.quantaPerUs;
}

/**
 * An attempt in which the busy periods of the misses begin later; undefined if their admissions do not allow it.
 * `share`: of what the admissions allow beyond what is needed.
 */
function later(
  attempt: Attempt,
  misses: Iterable<BusyPeriod>,
  { policy, share }: { readonly policy: Policy; readonly share: number },
): Attempt | undefined {
  const holds = new Map(attempt.holds);
  let { startQuanta } = attempt;
  for (const miss of misses) {
    const found = beginningLater(miss);
    if (found === undefined) return undefined;
    const { first, firstUs, needed: neededUs, possibleUs } = found;
    const moreUs = Number.isFinite(possibleUs) ? Math.floor((possibleUs - neededUs) * Math.min(1, share)) : 0;
    if (first === START) startQuanta -= (neededUs + moreUs) * policy.quantaPerUs;
    else
      holds.set(first, Math.max(holds.get(first) ?? Number.NEGATIVE_INFINITY, firstUs + neededUs + moreUs));
  }
  return startQuanta < 0 || (startQuanta < attempt.startQuanta && !attempt.isStartFree)
    ? undefined
    : { ...attempt, startQuanta, holds };
}

/** The period that must begin later: that of the miss, or one before it, so late that the bucket does not fill up again. */
function beginningLater(miss: BusyPeriod): BusyPeriod | undefined {
  let { needed } = miss;
  for (let period: BusyPeriod | undefined = miss; period !== undefined; period = period.previous) {
    if (period.possibleUs >= needed) return { ...period, needed };
    if (period.sparedUs < needed) return undefined;
    needed += period.fullForUs;
  }
  return undefined;
}
