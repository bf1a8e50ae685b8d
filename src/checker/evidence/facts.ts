import type { FileFacts, History } from '../../history/history.ts';
import type { HistoryParts } from '../../history/parts/parts.ts';
import type { Event, FaultRecord, Outcome, Sample } from '../../history/records/operation.ts';
import type { ProofCounts } from '../certificates/certificates.ts';
import type { ClockBounds } from '../clocks/bounds.ts';
import type { Doubt, Doubted } from '../doubts/doubts.ts';
import type { Finding, OverAdmissionFinding } from '../findings/finding.ts';
import type { Reason } from '../findings/reasons/reasons.ts';
import type { ClockFacts } from '../machines/machine-facts.ts';
import type { LostDecisions } from '../shards/lost-decisions.ts';
import type { ShardFacts } from '../shards/shard.ts';
import type { EvidenceCell } from './counter.ts';
import type { FloorFacts } from './floor.ts';
import type { HeadroomFacts } from './headroom-facts.ts';
import type { Shares } from './shares.ts';
import type { EvidenceRow } from './tally.ts';

/** The findings of one checker in all buckets. */
export interface Findings<F extends Finding = Finding> {
  /** Violations, over all buckets. */
  readonly total: number;
  /** Buckets with at least one. */
  readonly buckets: number;
  /** The worst first, at most 100. */
  readonly findings: readonly F[];
}

/** How many buckets were contested, and how many of the busiest ones. */
export interface ContestedCounts {
  readonly buckets: number;
  readonly busiest: number;
  readonly ofBusiest: number;
}

/** Whether the sides of a limiter (regions, targets, instances) were seen to count together: see `SideJoins`. */
export interface SideFacts {
  readonly count: number;
  /** Those of the largest group that was; 0 if there is none. */
  readonly joined: number;
  /** The names of all others. */
  readonly leftOut: readonly string[];
  /** Some of these were not asked for a contested bucket for which another side was asked. */
  readonly neverMet?: true;
  /** These can only count alone with smaller limits, which together are above the promised one. */
  readonly smallerLimit?: true;
  /** Of several policies, the one in which most are left out. */
  readonly policy?: string;
}

/** Something that a load asked of a limiter, and whether it was seen to matter: see `Exercises`. */
export interface ExerciseFacts {
  readonly isExercised: boolean;
  /** What was seen, or what may be. */
  readonly about: string;
  /** What brings it, if it was not seen. */
  readonly wayOut?: string;
}

/** The facts about a history before the verdict. Amounts are tokens. */
export interface CheckFacts extends ClockFacts {
  /** The history is of a simulation. */
  readonly simulated?: true;
  /** Why nothing is judged of a limiter that left its simulation, as sentences. */
  readonly outside?: readonly string[];
  readonly sent: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Error codes of operations that failed, and of operations with an unknown charge. */
  readonly errors: History['errors'];
  /** Operations that were sent but are missing from the history. */
  readonly unaccounted: number;
  /** Only the operations of some buckets were recorded and judged. */
  readonly sample?: Sample;
  /** Whether every file has its end. */
  readonly ended: boolean;
  readonly files: readonly FileFacts[];
  /** Of a run whose load several processes sent: its parts, with the books of each. */
  readonly parts?: HistoryParts;
  /** Problems of the recording, as sentences. */
  readonly troubles: readonly string[];
  readonly buckets: number;
  readonly contested: ContestedCounts & {
    /** Of several policies, the one that was at its limit in the fewest of its busiest buckets. */
    readonly least?: ContestedCounts & { readonly policy: string };
  };
  /** Absent of a history that names no side, and in reports of earlier versions. */
  readonly sides?: SideFacts;
  /** Absent if the load asked nothing, and in reports of earlier versions. */
  readonly exercises?: readonly ExerciseFacts[];
  /** How much more contested buckets could have admitted unseen; absent without contested buckets. */
  readonly headroom?: HeadroomFacts;
  readonly promise: string;
  readonly overAdmission: Findings<OverAdmissionFinding> & {
    /** Over all buckets. */
    readonly totalExcess: number;
    /** Of the bucket with the largest excess. */
    readonly largestExcess: number;
    /** The finding with the largest window. */
    readonly worst?: OverAdmissionFinding;
  };
  /**
   * `whyNot`: why denials were not judged. `declaresAny`: the strategy declares any number of false denials.
   * `byFailurePolicy`: denials by a failure policy, which are not judged. `certain`: denials that are false even if
   * requests are missing from the history; `total` if absent. `refutable`: judged denials that some level would have
   * shown to be false; all of them if absent.
   */
  readonly falseDenials: Findings & {
    readonly judged: number;
    readonly whyNot: string;
    readonly declaresAny?: true;
    readonly byFailurePolicy?: number;
    readonly refutable?: number;
    /** Denials that were not refutable, and that no request of the history explains. */
    readonly unexplained?: number;
    readonly certain?: number;
  };
  readonly replay: Findings & { readonly replayed: number };
  /** Stated values that no ideal limiter can have meant; a finding for each reason in each bucket. */
  readonly dishonest: Findings & {
    /** The number for each reason, the most frequent first. */
    readonly reasons: Readonly<Record<string, number>>;
  };
  /** For a promise other than a token bucket. */
  readonly windows: Findings;
  /** Buckets by what is proved of them; absent in reports of earlier versions. */
  readonly proofs?: ProofCounts;
  /** Sentences: what the verdict assumes in addition to the history (clock allowances, completeness). */
  readonly assumptions?: readonly string[];
  /** Findings that requests missing from the history can explain. Findings and excesses do not include them. */
  readonly doubts?: Readonly<Partial<Record<Doubted, Doubt>>>;
  /** Of a promise of windows; absent in reports of earlier versions. */
  readonly floor?: FloorFacts;
  /** What is not judged and why, as sentences; absent if all is. */
  readonly notJudged?: readonly string[];
  /** Findings relative to what an ideal bucket would have admitted; absent in reports of earlier versions. */
  readonly shares?: Shares;
  /** Causes of findings that the history shows, the gravest first; empty if it shows none. */
  readonly diagnosis: readonly string[];
  /** Those with a code, in the same order; absent if there is none. */
  readonly reasons?: readonly Reason[];
  /** Admissions that a failover lost. */
  readonly lostDecisions: readonly LostDecisions[];
  readonly shards: readonly ShardFacts[];
  readonly whole: EvidenceRow;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  /** Each region in each phase. */
  readonly cells: readonly EvidenceCell[];
  readonly faults: readonly FaultRecord[];
  /** Events of the system: changes of role, restarts. Dropped requests are in the rows. */
  readonly events: readonly Event[];
  readonly clock: ClockBounds;
}
