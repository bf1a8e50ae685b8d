import type { ClockBounds } from '../../checker/clocks/bounds.ts';
import type { FindingKind } from '../../checker/findings/finding.ts';
import type { LieReason } from '../../checker/stated/lies.ts';
import type { CountedSpan } from '../../checker/windows/window-counts.ts';
import type { Policy } from '../../core/policy.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { TextTable } from '../text-table.ts';

/**
 * The data of an HTML report: the JSON in its page. Times are microseconds of the recorder's clock, amounts are tokens.
 * The page computes only levels, by the checker's own code.
 */
export type PageData = RunPage | ComparisonPage;

export interface RunPage extends Picture {
  readonly page: 'run';
  readonly title: string;
  /** Name and text: the limiter, and its promise of windows or its policy. */
  readonly subject: readonly (readonly [string, string])[];
  readonly verdict: Verdict;
  /** Only a performance claim is broken. */
  readonly isSlow: boolean;
  readonly reasons: readonly Reason[];
  /** What the promise does not allow to judge, as sentences. */
  readonly notJudged: readonly string[];
  /** Causes of the verdict, as sentences. */
  readonly why: readonly string[];
  /** Notes on the run, as sentences. */
  readonly remarks: readonly string[];
  readonly seed: number;
  readonly command: string;
  /** Name and value: plan, system and time of the run. */
  readonly facts: readonly (readonly [string, string])[];
  /** Name and value: the figures that matter most. */
  readonly figures: readonly (readonly [string, string])[];
  /** Tokens by which one bucket may exceed its policy, of a run that keeps the bound it claims. */
  readonly declared?: number;
  readonly tables: readonly TextTable[];
  readonly worst: readonly WorstRow[];
  readonly buckets: readonly PageBucket[];
  readonly policies: readonly Policy[];
  /** Of a promise of windows, in place of levels. */
  readonly span?: PageSpan;
  readonly clock: ClockBounds;
  readonly known: { readonly initial: 'full' | 'unknown'; readonly knownFromUs: number | null };
}

/** What is counted of a bucket over time, and the limits of this count. */
export interface PageSpan {
  readonly counted: CountedSpan;
  readonly limits: readonly { readonly name: string; readonly tokens: number }[];
  /** What is counted, and how much of it breaks the promise, as sentences. */
  readonly about: string;
}

/** The charts of one run over time. */
export interface Picture {
  /** Absent without the history. */
  readonly series?: Series;
  /** What was judged, and so is drawn. */
  readonly judged: readonly WrongMeasure[];
  readonly regions: readonly string[];
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
  /** What the page leaves out, as sentences. */
  readonly notes: readonly string[];
}

export interface Reason {
  readonly status: 'holds' | 'broken' | 'unknown';
  readonly reason: string;
}

/** A fault while it is in force. `untilUs` is null where it was never healed. */
export interface Span {
  readonly name: string;
  readonly how: string;
  readonly fromUs: number;
  readonly untilUs: number | null;
}

/** Something that happened at one moment: a takeover, a restart, a step of a clock, settling. */
export interface Mark {
  readonly kind: 'failover' | 'clock' | 'settled' | 'other';
  readonly name: string;
  readonly how: string;
  readonly atUs: number;
}

/** Bin i begins at `startUs + i * binUs`. An operation counts at its end, `info` at its start. */
export interface Series {
  readonly startUs: number;
  readonly binUs: number;
  readonly bins: number;
  /** By region, in the order of `regions`. */
  readonly byRegion: readonly RegionSeries[];
  /** Of all regions together. Milliseconds; null without operations. */
  readonly latency: OutcomeLatency;
}

/** What may be wrong over time. */
export type WrongMeasure = 'excess' | 'windows' | 'falseDenials';

export interface RegionSeries {
  /** Operations in each bin. */
  readonly counts: Readonly<Record<'allowed' | 'denied' | 'failed' | 'info', readonly number[]>>;
  /** Tokens beyond an ideal bucket, at the ends of the operations that caused them. */
  readonly excess: readonly number[];
  /** Broken windows, at the ends of the operations that broke them. */
  readonly windows: readonly number[];
  readonly falseDenials: readonly number[];
  readonly latency: OutcomeLatency;
}

export type OutcomeLatency = Readonly<Record<'allowed' | 'denied' | 'failed', Percentiles>>;

export interface Percentiles {
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** One letter for each operation: allowed, denied, failed, info. */
export const OUTCOME_LETTERS = { a: 'allowed', d: 'denied', f: 'failed', i: 'info' } as const;

/** The operations of one bucket as columns, in the order of invocation. */
export interface PageBucket {
  readonly name: string;
  /** A place in `policies`. */
  readonly policy: number;
  /** Its own, where it differs from that of the run. */
  readonly span?: PageSpan;
  /** The number of operations of the bucket, if the page does not have all of them. */
  readonly of?: number;
  /** Each minus the one before; the first in full. */
  readonly invokedUs: readonly number[];
  /** -1 if the end is unknown. */
  readonly durationUs: readonly number[];
  /** A letter of OUTCOME_LETTERS each. */
  readonly outcomes: string;
  /** Places in `regions`. */
  readonly regions: readonly number[];
  /** Absent where each is 1. */
  readonly costs?: readonly number[];
  /** Indices in the history, each minus the one before. */
  readonly indices: readonly number[];
  readonly violations: readonly Violation[];
  /** The span in which tokens may have come back, and their quanta; null if the end is unknown. */
  readonly refunds: readonly {
    readonly fromUs: number;
    readonly lastUs: number | null;
    readonly quanta: number;
  }[];
  /** Whether the lag of the limiter's clock fades while the bucket is full. */
  readonly fades: boolean;
}

/** `at` is the place of the operation among those of its bucket. */
export type Violation =
  | { readonly at: number; readonly kind: Exclude<FindingKind, 'dishonest'>; readonly tokens: number }
  /** Behind all others of its bucket. */
  | { readonly at: number; readonly kind: 'dishonest'; readonly reason: LieReason };

/** A bucket in the table of the worst buckets. */
export interface WorstRow {
  readonly bucket: string;
  readonly totalExcess: number;
  readonly worstWindow: number;
  readonly falseDenials: number;
  readonly replay: number;
  readonly dishonest: number;
  readonly windows: number;
  readonly admitted: number;
  readonly denied: number;
  readonly proofs: readonly Proof[];
}

export interface Proof {
  readonly kind: FindingKind;
  readonly count: number;
  /** The checker's own sentence: what is broken, with its numbers. */
  readonly sentence: string;
  /** Of an over-admission by one window. */
  readonly formula?: WindowFormula;
  /** Of a false denial: its cost, and the lowest level at any moment of its interval. */
  readonly floor?: { readonly cost: number; readonly lowest: number };
  /** Empty if the page has no room for it. */
  readonly witness: readonly WitnessRow[];
  /** Of a false denial: the operations that can have spent tokens before it, each as late as possible. */
  readonly context?: {
    readonly startLevel: number;
    readonly atUs: number;
    readonly steps: readonly { readonly row: WitnessRow; readonly takenUs: number; readonly after: number }[];
  };
}

/** admitted in [s, e] <= capacity + refill * (e - s) + slack, which does not hold. */
export interface WindowFormula {
  readonly startUs: number;
  readonly endUs: number;
  readonly admitted: number;
  readonly capacity: number;
  readonly perSecond: number;
  /** The clock allowance, in tokens. */
  readonly slack: number;
  readonly allowance: number;
}

export interface WitnessRow {
  readonly index: number;
  readonly region: string;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'info';
  readonly cost: number;
  readonly fromUs: number;
  /** Null if unknown. */
  readonly toUs: number | null;
  /** Of a replay: the level and node in the reply. Of a reservation: what came back. */
  readonly reply?: string;
}

export interface ComparisonPage {
  readonly page: 'comparison';
  readonly title: string;
  readonly regions: readonly string[];
  readonly runs: readonly ComparedRun[];
  readonly rows: readonly ComparedRow[];
}

export interface ComparedRun extends Picture {
  /** A, B, ... */
  readonly letter: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly command: string;
}

/** One line of a comparison. `differs`: whether each run differs from the first. */
export interface ComparedRow {
  readonly name: string;
  readonly values: readonly string[];
  /** Ratios to the first run, if there are any. */
  readonly ratios: readonly (number | null)[];
  readonly differs: readonly boolean[];
}
