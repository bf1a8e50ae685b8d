import type { Policy } from '../../core/policy.ts';
import type { WindowPromise } from '../../core/promise.ts';
import { type CheckerContext, clockOf } from '../bucket-result.ts';
import { doesLagFade } from '../proofs/lag.ts';
import { bucketLevel, type LowestLevel, windowLevel } from '../proofs/lowest-level.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { judgesDenials } from '../windows/clock.ts';

/** By what a loaded bucket is judged, and whether it was contested. */
export interface LookedAt {
  readonly policy: Policy;
  readonly context: CheckerContext;
  readonly isContested: boolean;
}

/** Makes the lowest level of the loaded bucket without spends; undefined if the promise says nothing of it. */
export function levelsOf(rows: BucketRows, { policy, context }: LookedAt): (() => LowestLevel) | undefined {
  const { known, windows, movesOf } = context;
  if (windows !== undefined) {
    if (movesOf(rows.bucket).length > 0) return undefined;
    const promise = judgesDenials(windows) ? windows.promise : asSliding(windows.promise);
    return () => windowLevel({ ...windows, promise }, known);
  }
  const clock = clockOf(context, rows.bucket);
  const fades = doesLagFade(rows, policy, []);
  return () => bucketLevel(policy, { clock, known, fades });
}

/** A sliding window that holds whatever a window of this promise can hold at a moment. */
export function asSliding({ type, limit, windowUs }: WindowPromise): WindowPromise {
  return { type: 'sliding-window', limit, windowUs: type === 'sliding-counter' ? 2 * windowUs : windowUs };
}
