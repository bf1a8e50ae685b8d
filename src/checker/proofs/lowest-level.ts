import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../../core/promise.ts';
import type { ClockLag } from '../clocks/bounds.ts';
import type { Known } from '../rows/coverage.ts';
import type { WindowClock } from '../windows/clock.ts';
import { LatestWindow } from '../windows/latest-window.ts';
import { type Lag, lagOf, NO_LAG } from './lag.ts';
import { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';
import { RefundedSpender } from './refunded-spender.ts';

/** The lowest level of a bucket or window that is charged as late as possible. */
export interface LowestLevel {
  readonly spender: Pick<LatestSpender, 'levelAt' | 'spend'>;
  readonly quantaPerToken: number;
  /** The allowance for the clock, which is subtracted. */
  readonly lag: Lag;
}

export interface LevelContext {
  readonly clock: ClockLag;
  readonly known: Known;
  readonly fades: boolean;
  /** What came back, or may have. */
  readonly refunds?: readonly Refund[];
}

/** The lowest level of a bucket. Quanta. */
export function bucketLevel(
  policy: Policy,
  { clock, known, fades, refunds = [] }: LevelContext,
): LowestLevel {
  const spender = new LatestSpender(policy, clock.slowPpm, known);
  const sinceUs = known.initial === 'full' ? Number.NEGATIVE_INFINITY : known.knownFromUs;
  const certain = refunds.filter(({ isCertain, fromUs }) => isCertain && fromUs >= sinceUs);
  return {
    spender: certain.length === 0 ? spender : new RefundedSpender(spender, policy.capacityQuanta, certain),
    quantaPerToken: policy.quantaPerToken,
    lag: lagOf(spender, policy, { clock, fades }),
  };
}

/** The least room of a window, in tokens. Like a level, it only rises between invocations. */
export function windowLevel(
  { promise, clock }: { readonly promise: WindowPromise; readonly clock: WindowClock },
  known: Known,
): LowestLevel {
  return roomLevel(new LatestWindow(promise, clock, known));
}

/** The level of what counts tokens on a clock that is a part of its promise. */
export function roomLevel(spender: LowestLevel['spender']): LowestLevel {
  return { spender, quantaPerToken: 1, lag: NO_LAG };
}
