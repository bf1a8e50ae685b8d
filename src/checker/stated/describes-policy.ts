import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../claims/promise.ts';

/** A policy header: a quota, and perhaps the seconds in which it counts. */
export interface StatedPolicy {
  readonly limit: number;
  readonly windowS?: number | undefined;
}

const UNIT_S = [1, 60, 3_600, 86_400];
const PERIODS_S = UNIT_S.flatMap((unit) => [1, 2, 5, 10, 15, 20, 30].map((count) => count * unit));

/**
 * Whether a header can describe a token bucket. It does with the capacity, alone or with the time in which an empty bucket
 * fills, rounded to whole seconds; or with the refill: a number of tokens and the time in which so many are added. Such a
 * number without its time may count in any usual period, of which there is a list.
 */
export function describesBucket({ limit, windowS }: StatedPolicy, policy: Policy): boolean {
  const perSecond = (policy.quantaPerUs / policy.quantaPerToken) * 1_000_000;
  const isCapacity = limit === policy.capacityTokens;
  const isRefillIn = (seconds: number) => Math.abs(limit - perSecond * seconds) < 1;
  if (windowS !== undefined)
    return (isCapacity && Math.abs(windowS - limit / perSecond) < 1) || isRefillIn(windowS);
  return isCapacity || limit === policy.refill.tokens || PERIODS_S.some(isRefillIn);
}

/** Whether a header can describe windows: their limit, and their length rounded to whole seconds. */
export function describesWindows({ limit, windowS }: StatedPolicy, promise: WindowPromise): boolean {
  if (limit !== promise.limit) return false;
  return windowS === undefined || Math.abs(windowS - promise.windowUs / 1_000_000) < 1;
}
