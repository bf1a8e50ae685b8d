import type { Promised } from './promise.ts';

/** What a run must show before its silence counts as a pass. */
export interface EvidenceRules {
  /** The buckets that the plan expects to be busiest. */
  readonly busiest: readonly string[];
  /** The least share of them that must be contested, 0 to 1. */
  readonly contestedAtLeast: number;
  /** The least number of contested buckets, whichever they are. */
  readonly contestedBucketsAtLeast?: number;
  /** The largest share of operations whose reply may be missing, 0 to 1. */
  readonly infoAtMost: number;
  /** The largest share that may have failed without a decision, 0 to 1; absent: any. */
  readonly failedAtMost?: number;
  /** The run was stopped before its plan was done: at best `unknown`. */
  readonly interrupted: boolean;
  /** What the limiter claims to enforce; a token bucket without. */
  readonly promise?: Promised;
  /** How many false denials the strategy declares: one that splits its tokens denies while they lie elsewhere. */
  readonly falseDenialsAtMost?: number;
  /** Requests that were open when the recording ended are absent, as in any access log. */
  readonly openAtEndMissing?: boolean;
}
