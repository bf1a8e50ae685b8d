import type { ClockBounds } from '../../checker/clock.ts';
import type { FindingKind } from '../../checker/finding.ts';
import type { Policy } from '../../core/policy.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { TextTable } from '../rows.ts';

/**
 * What an HTML report is drawn from: the JSON in its page. Times are microseconds of the recorder's clock, amounts are
 * tokens. The page computes nothing but levels, by the checker's own code.
 */
export type PageData = RunPage | ComparisonPage;

export interface RunPage extends Picture {
  readonly page: 'run';
  readonly title: string;
  readonly verdict: Verdict;
  /** Only a claim on speed is broken. */
  readonly isSlow: boolean;
  readonly reasons: readonly Reason[];
  /** What is wrong, in sentences. */
  readonly why: readonly string[];
  readonly seed: number;
  readonly command: string;
  /** Name and value: what was run, where, when. */
  readonly facts: readonly (readonly [string, string])[];
  /** Name and value: the figures that matter most. */
  readonly figures: readonly (readonly [string, string])[];
  readonly tables: readonly TextTable[];
  readonly worst: readonly WorstRow[];
  readonly buckets: readonly PageBucket[];
  readonly policies: readonly Policy[];
  readonly clock: ClockBounds;
  readonly known: { readonly initial: 'full' | 'unknown'; readonly knownFromUs: number | null };
}

/** What one run looks like over time. */
export interface Picture {
  /** Absent where the history is not at hand. */
  readonly series?: Series;
  readonly regions: readonly string[];
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
  /** What is left out of the page, in sentences. */
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

/** Bin i is from `startUs + i * binUs` on. An operation counts where it ended, `info` where it began. */
export interface Series {
  readonly startUs: number;
  readonly binUs: number;
  readonly bins: number;
  /** By region, in the order of `regions`. */
  readonly byRegion: readonly RegionSeries[];
  /** Of all regions together. Milliseconds; null where there is nothing. */
  readonly latency: OutcomeLatency;
}

export interface RegionSeries {
  /** Operations in each bin. */
  readonly counts: Readonly<Record<'allowed' | 'denied' | 'failed' | 'info', readonly number[]>>;
  /** Tokens beyond an ideal bucket, where the operations that were too many ended. */
  readonly excess: readonly number[];
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
  /** How many operations it had, where the page has not all of them. */
  readonly of?: number;
  /** Each less the one before; the first whole. */
  readonly invokedUs: readonly number[];
  /** -1 where the end is not known. */
  readonly durationUs: readonly number[];
  /** A letter of OUTCOME_LETTERS each. */
  readonly outcomes: string;
  /** Places in `regions`. */
  readonly regions: readonly number[];
  /** Absent where each is 1. */
  readonly costs?: readonly number[];
  /** What they are called in the history, each less the one before. */
  readonly indices: readonly number[];
  readonly violations: readonly Violation[];
  /** Between when tokens may have come back, and how many quanta; null where the end is not known. */
  readonly refunds: readonly {
    readonly fromUs: number;
    readonly lastUs: number | null;
    readonly quanta: number;
  }[];
  /** Whether the lag of the limiter's clock fades while the bucket is full. */
  readonly fades: boolean;
}

/** `at` is the place of the operation among those of its bucket. */
export interface Violation {
  readonly at: number;
  readonly kind: FindingKind;
  readonly tokens: number;
}

/** A bucket in the table of the worst. */
export interface WorstRow {
  readonly bucket: string;
  readonly totalExcess: number;
  readonly worstWindow: number;
  readonly falseDenials: number;
  readonly replay: number;
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
  /** Empty where the page had no room for it. */
  readonly witness: readonly WitnessRow[];
  /** Of a false denial: what can have been spent before it, each as late as it can be. */
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
  /** For the clocks. */
  readonly slack: number;
  readonly allowance: number;
}

export interface WitnessRow {
  readonly index: number;
  readonly region: string;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'info';
  readonly cost: number;
  readonly fromUs: number;
  /** Null where it is not known. */
  readonly toUs: number | null;
  /** Of a replay: what the reply said. */
  readonly said?: string;
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

/** One line of a comparison. `differs` has, for each run but the first, whether it is other than the first. */
export interface ComparedRow {
  readonly name: string;
  readonly values: readonly string[];
  /** Ratios to the first run, where there are any. */
  readonly ratios: readonly (number | null)[];
  readonly differs: readonly boolean[];
}
