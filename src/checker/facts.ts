import type { FileFacts, History } from '../history/history.ts';
import type { Event, FaultRecord, Outcome } from '../history/operation.ts';
import type { ClockBounds } from './clock.ts';
import type { Doubt, Doubted } from './doubts.ts';
import type { EvidenceCell } from './evidence.ts';
import type { Finding, OverAdmissionFinding } from './finding.ts';
import type { HeadroomFacts } from './headroom-facts.ts';
import type { LostDecisions } from './lost-decisions.ts';
import type { ShardFacts } from './shard.ts';
import type { EvidenceRow } from './tally.ts';

/** What one checker found in all buckets. */
export interface Findings<F extends Finding = Finding> {
  /** Violations, over all buckets. */
  readonly total: number;
  /** Buckets with at least one. */
  readonly buckets: number;
  /** The worst first, at most 100. */
  readonly findings: readonly F[];
}

/** All that was found out about a history, before it is judged. Amounts are tokens. */
export interface CheckFacts {
  readonly sent: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why operations failed, and why it is not known what others were charged. */
  readonly errors: History['errors'];
  /** Operations that were sent and are missing from the history. */
  readonly unaccounted: number;
  /** Whether every file has its end. */
  readonly ended: boolean;
  readonly files: readonly FileFacts[];
  /** What went wrong while it was recorded, as sentences. */
  readonly troubles: readonly string[];
  readonly buckets: number;
  readonly contested: { readonly buckets: number; readonly busiest: number; readonly ofBusiest: number };
  /** How much more contested buckets could have admitted without being seen; absent where there is none. */
  readonly headroom?: HeadroomFacts;
  readonly promise: string;
  readonly overAdmission: Findings<OverAdmissionFinding> & {
    /** Over all buckets. */
    readonly totalExcess: number;
    /** Of the bucket that has most. */
    readonly largestExcess: number;
    /** The finding with the largest window. */
    readonly worst?: OverAdmissionFinding;
  };
  /**
   * `whyNot` says what kept denials from being judged; `declaresAny` that the strategy declares any number of them;
   * `byFailurePolicy` how many a failure policy made, which are not judged; `certain` how many are false even where
   * requests are missing from the history, `total` without; `refutable` how many of those that are judged could have been
   * found false, whatever was spent: all without.
   */
  readonly falseDenials: Findings & {
    readonly judged: number;
    readonly whyNot: string;
    readonly declaresAny?: true;
    readonly byFailurePolicy?: number;
    readonly refutable?: number;
    readonly certain?: number;
  };
  readonly replay: Findings & { readonly replayed: number };
  /** Of a promise other than a token bucket. */
  readonly windows: Findings;
  /** What the verdict rests on, beside the history: grants, and what was taken for complete. Sentences. */
  readonly assumptions?: readonly string[];
  /** What was found that requests which are not in the history can explain: in no findings, and no excess. */
  readonly doubts?: Readonly<Partial<Record<Doubted, Doubt>>>;
  /** What the history says is wrong, the gravest first; empty where it supports no sentence. */
  readonly diagnosis: readonly string[];
  /** Admissions that a primary forgot which took over. */
  readonly lostDecisions: readonly LostDecisions[];
  readonly shards: readonly ShardFacts[];
  readonly whole: EvidenceRow;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  /** Each region in each phase. */
  readonly cells: readonly EvidenceCell[];
  readonly faults: readonly FaultRecord[];
  /** What happened to the system: roles, restarts. What was dropped is in the rows. */
  readonly events: readonly Event[];
  readonly clock: ClockBounds;
}
