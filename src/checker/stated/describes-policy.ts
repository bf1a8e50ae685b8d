import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../../core/promise.ts';

/** A policy header: a quota, and perhaps the seconds in which it counts. */
export interface StatedPolicy {
  readonly limit: number;
  readonly windowS?: number | undefined;
}

/** Up to 60 s, 60 min, 24 h and 31 d, and 90 s. */
const PERIODS_S = [
  ...[1, 60].flatMap((unit) => Array.from({ length: 60 }, (_, at) => unit * (at + 1))),
  ...Array.from({ length: 24 }, (_, at) => 3_600 * (at + 1)),
  ...Array.from({ length: 31 }, (_, at) => 86_400 * (at + 1)),
  90,
];

/**
 * Whether a header can describe a token bucket. It does with the capacity, alone or with the time in which an empty bucket
 * fills; or with the refill: a number of tokens and the time in which so many are added, rounded to whole seconds. Such a
 * number without its time may count in any usual period, of which there is a list.
 */
export function describesBucket({ limit, windowS }: StatedPolicy, policy: Policy): boolean {
  const perSecond = (policy.quantaPerUs / policy.quantaPerToken) * 1_000_000;
  const isCapacity = limit === policy.capacityTokens;
  const isRefillIn = (seconds: number) => Math.abs(limit - perSecond * seconds) < 1;
  if (windowS !== undefined) return Math.abs(windowS - limit / perSecond) < 1 || isRefillIn(windowS);
  return isCapacity || limit === policy.refill.tokens || PERIODS_S.some(isRefillIn);
}

/** Whether a header can describe windows: their limit, and their length rounded to whole seconds. */
export function describesWindows({ limit, windowS }: StatedPolicy, promise: WindowPromise): boolean {
  if (limit !== promise.limit) return false;
  return windowS === undefined || Math.abs(windowS - promise.windowUs / 1_000_000) < 1;
}
