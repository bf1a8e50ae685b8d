import type { Policy } from '../../core/policy.ts';
import type { Promised } from '../../core/promise.ts';
import type { Refill } from '../../load/shortfall.ts';
import type { PlannedFault } from '../../scenario/plan.ts';

/**
 * `possible`: a bucket counts as drained unless a right limiter can deny none of its requests, also if they come late.
 * `certain`: only if every right limiter denies some of them.
 */
export type Certainty = 'possible' | 'certain';

/** A bucket that is asked for more than `limit` tokens, less its refill, is drained. */
export interface Allowance extends Refill {
  readonly limit: number;
  /** A request for more is denied by every bucket. */
  readonly mostAtOnce: number;
}

interface Granted {
  readonly policy: Policy;
  readonly promise: Promised | undefined;
  readonly faults: readonly PlannedFault[];
}

/** How late a request may come to its bucket, without a fault. */
const LATE_US = 1_000_000;

/** The share of a bucket that is denied beyond what drains it: without it, a few requests too late leave it undrained. */
const BEYOND = 0.1;

/** Of windows everything comes back at their end. */
const AT_ONCE = Number.MAX_VALUE;

export function allowanceOf({ policy, promise, faults }: Granted, certainty: Certainty): Allowance {
  const isCertain = certainty === 'certain';
  const lateUs = isCertain ? 0 : LATE_US + delayedUs(faults);
  if (promise === undefined || promise.type === 'token-bucket') {
    const { capacityTokens, quantaPerUs, quantaPerToken } = policy;
    const perUs = quantaPerUs / quantaPerToken;
    const beyond = isCertain ? BEYOND * capacityTokens + perUs * LATE_US : 0;
    return { limit: capacityTokens + beyond, perUs, spanUs: lateUs, mostAtOnce: capacityTokens };
  }
  const { limit, windowUs } = promise;
  // A span of a window's length meets two windows, so with twice the limit one of them is full.
  const certain = isCertain ? 2 * limit : limit;
  return { limit: certain, perUs: AT_ONCE, spanUs: windowUs + lateUs, mostAtOnce: limit };
}

/** By how much faults can hold up requests, or set back the clock of a limiter. */
function delayedUs(faults: readonly PlannedFault[]): number {
  return faults.reduce((sum, fault) => {
    const { stepMs = 0, offsetMs = 0 } = fault as { stepMs?: number; offsetMs?: number };
    return sum + 1_000 * (fault.forMs + Math.abs(stepMs) + Math.abs(offsetMs));
  }, 0);
}
