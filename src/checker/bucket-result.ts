import type { WindowPromise } from '../core/promise.ts';
import type { ClockBounds } from './clocks/bounds.ts';
import type { Unrecorded } from './doubts/unrecorded.ts';
import { type BucketMoves, clockOfMoved } from './moves/bucket-moves.ts';
import type { FalseDenials } from './proofs/false-denials.ts';
import type { OverAdmission } from './proofs/over-admission.ts';
import type { Refund } from './proofs/refund.ts';
import type { ReplayKnown, ReplayResult } from './proofs/replay.ts';
import type { JudgedSpan } from './rows/coverage.ts';
import type { Reset } from './rows/resets.ts';
import type { StatedContext } from './stated/granted.ts';
import type { Lies } from './stated/lies.ts';
import type { BrokenWindows } from './windows/broken-windows.ts';
import type { WindowClock } from './windows/clock.ts';

/** The findings of the checkers in one bucket. */
export interface BucketResult {
  readonly bucket: number;
  readonly over: OverAdmission;
  readonly denials: FalseDenials;
  /** Denials that no level of the bucket could have shown to be false. */
  readonly excused: number;
  /** Those among them that the requests of the history do not explain. */
  readonly unexplained: number;
  /**
   * A lower bound of the false denials for the case that the most possible requests are missing from the history. Each
   * denial that stays false saves at most as many requests as empty a full bucket. Absent if no request is missing.
   */
  readonly certainDenials?: number;
  readonly replay: ReplayResult;
  readonly windows: BrokenWindows;
  /** Stated values that no ideal limiter can have meant. */
  readonly lies: Lies;
  /** Refunds possible before the history began, in tokens; 0 if they excuse nothing. */
  readonly earlierTokens: number;
  /** In the order of time. */
  readonly refunds: readonly Refund[];
  /** Resets without an end, of which one must have acted late, or the bucket admitted too much; absent if none must. */
  readonly lateResets?: readonly Reset[];
}

/** What the checkers need besides the rows of a bucket. */
export interface CheckerContext {
  readonly clock: ClockBounds;
  /** When limiters moved each bucket. */
  readonly movesOf: BucketMoves;
  readonly known: ReplayKnown & JudgedSpan;
  readonly unrecorded: Unrecorded;
  /** False if no decision is replayed, since decisions are missing. */
  readonly isReplayed?: boolean;
  /** Absent for a token bucket. */
  readonly windows?: {
    readonly promise: WindowPromise;
    readonly clock: WindowClock;
    /** Whether the most tokens that a window can hold at a moment are known. */
    readonly areDenialsJudged: boolean;
  };
  /** Absent if the limiter stated nothing besides yes or no. */
  readonly stated?: StatedContext;
}

/** The allowance for the clock of a bucket's denials and stated values. */
export function clockOf(
  { clock, movesOf }: Pick<CheckerContext, 'clock' | 'movesOf'>,
  bucket: number,
): ClockBounds {
  return clockOfMoved(clock, movesOf(bucket));
}

/** Whether a bucket has a finding. */
export function hasFindings(result: BucketResult): boolean {
  return hasWrongAnswers(result) || result.lies.length > 0;
}

/** Whether a bucket has a finding about its admissions and denials. */
export function hasWrongAnswers({ over, denials, replay, windows }: BucketResult): boolean {
  return over.drops.length + denials.length + replay.findings.length + windows.length > 0;
}
