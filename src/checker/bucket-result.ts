import type { BrokenWindows } from './broken-windows.ts';
import type { ClockBounds } from './clock.ts';
import type { FalseDenials } from './false-denials.ts';
import type { JudgedSpan } from './horizon.ts';
import type { OverAdmission } from './over-admission.ts';
import type { WindowPromise } from './promise.ts';
import type { Refund } from './refund.ts';
import type { ReplayKnown, ReplayResult } from './replay.ts';
import type { Unrecorded } from './unrecorded.ts';
import type { WindowClock } from './window-clock.ts';

/** What the checkers say about one bucket. */
export interface BucketResult {
  readonly bucket: number;
  readonly over: OverAdmission;
  readonly denials: FalseDenials;
  /** How many denials could not have been found false, whatever the bucket held. */
  readonly excused: number;
  /**
   * How many of them are false, at least, where as many requests as can be are missing from the history: leaving one
   * denial false instead of explaining it saves no more requests than empty a full bucket. Absent where none is missing.
   */
  readonly certainDenials?: number;
  readonly replay: ReplayResult;
  readonly windows: BrokenWindows;
  /** What may have been refunded before the history began, where that excuses something. */
  readonly earlierTokens: number;
  /** In the order of time. */
  readonly refunds: readonly Refund[];
}

/** By what buckets are judged. */
export interface PassRules {
  readonly clock: ClockBounds;
  readonly known: ReplayKnown & JudgedSpan;
  readonly unrecorded: Unrecorded;
  /** Absent for a token bucket. */
  readonly windows?: {
    readonly promise: WindowPromise;
    readonly clock: WindowClock;
    /** Whether it can be told what a window holds at most at a moment. */
    readonly areDenialsJudged: boolean;
  };
}

/** Whether there is anything against a bucket. */
export function isGuilty({ over, denials, replay, windows }: BucketResult): boolean {
  return over.drops.length + denials.length + replay.findings.length + windows.length > 0;
}
