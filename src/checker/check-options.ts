import type { Admissions, DeclaredBound, DeclaredStated, Episodes } from '../core/bound.ts';
import type { Policy } from '../core/policy.ts';
import type { Promised } from '../core/promise.ts';
import type { History, LogReading } from '../history/history.ts';
import type { Claim } from './claims/claim.ts';
import type { ClockSlackRule } from './clocks/grant.ts';
import type { Planned } from './evidence/planned.ts';

/** Sentences. */
export interface Remarks {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** How a history is judged. */
export interface CheckOptions {
  /** The buckets that the plan expects to be busiest. */
  readonly busiest: readonly string[];
  /** The services of each region of the run. Default: those that the history names. */
  readonly instances?: number;
  /** What the plan asks of the limiter; absent of a history without a plan. */
  readonly planned?: Planned;
  /** Problems of the recording, as sentences: with any of them the verdict is `unknown` at best. */
  readonly problems?: readonly string[];
  /**
   * Finds further problems and notes in what depends on times: of a run in parts on one axis. Undefined if its clocks
   * contradict each other, so that no operation has a time.
   */
  readonly remarks?: (judged: History | undefined) => Remarks;
  /** The claims of the run. Default: the claims for any history, with the limits below. */
  readonly claims?: readonly Claim[];
  /** The bound that the strategy declares for the buckets of one shard. Without it no claim on `bound` can be judged. */
  readonly boundOf?: (
    policy: Policy,
    episodes: Episodes,
    admissions: () => Admissions,
  ) => DeclaredBound | undefined;
  /** The least share of the busiest that must be contested, 0 to 1. */
  readonly contestedAtLeast?: number;
  /** The least number of contested buckets. With 0, no small headroom is needed either. */
  readonly contestedBucketsAtLeast?: number;
  /** The largest share of operations whose reply may be missing, 0 to 1. */
  readonly infoAtMost?: number;
  /** The largest share of its capacity that the median contested bucket may have admitted unseen, 0 to 1. */
  readonly headroomAtMost?: number;
  /** What the limiter claims to enforce. Default: a token bucket. */
  readonly promise?: Promised;
  /**
   * The number of false denials that the strategy declares. A strategy that splits its tokens denies while other parts
   * have some left.
   */
  readonly falseDenialsAtMost?: number;
  /** A test cannot wait for further windows: where one is demanded only, what is admitted later is not asked. */
  readonly isOneWindowEnough?: boolean;
  /** The most stated values that may be wrong. Default: any number; they are findings and no claim. */
  readonly dishonestAtMost?: number;
  /** What the strategy declares of the values that it states, besides its false denials. Default: nothing. */
  readonly declaresStated?: DeclaredStated;
  /** What the user allows for the limiter's clock. Default: what the history says. */
  readonly clockSlack?: ClockSlackRule;
  /** The most by which two clocks of a run in parts drift apart, in parts per million. Default: 1,000. */
  readonly clockDriftPpm?: number;
  /** Requests that were open when the recording ended are absent, as in any access log. */
  readonly openAtEndMissing?: boolean;
  /** The assumptions of the history's reader, as sentences. */
  readonly assumptions?: readonly string[];
  /** How a log in a foreign format was read. */
  readonly reading?: LogReading;
  /** How the user asks for another promise; default: the flag. */
  readonly sayPromise?: (promise: Promised, policy: Policy) => string;
  /** Further sentences for the reader of the verdict. */
  readonly notes?: readonly string[];
  /** The most requests of one bucket that were open at the end. Default: ten times the most in flight at once. */
  readonly openAtEndAtMost?: number;
  /** The user asserts that no request was open when the recording ended. */
  readonly isComplete?: boolean;
  /** A log without costs cannot show refunds: the checker assumes that there were none. */
  readonly withoutRefunds?: boolean;
}
