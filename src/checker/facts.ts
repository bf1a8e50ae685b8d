import type { FileFacts } from '../history/history.ts';
import type { Outcome } from '../history/operation.ts';
import type { ClockBounds } from './clock.ts';
import type { EvidenceRow } from './evidence.ts';
import type { Finding, OverAdmissionFinding } from './finding.ts';

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
  /** Why operations failed or have no reply: how often each code came. */
  readonly errors: Readonly<Record<string, number>>;
  /** Operations that were sent and are missing from the history. */
  readonly unaccounted: number;
  /** Whether every file has its end. */
  readonly ended: boolean;
  readonly files: readonly FileFacts[];
  readonly buckets: number;
  readonly contested: { readonly buckets: number; readonly busiest: number; readonly ofBusiest: number };
  readonly promise: string;
  readonly overAdmission: Findings<OverAdmissionFinding> & {
    /** Over all buckets. */
    readonly totalExcess: number;
    /** Of the bucket that has most. */
    readonly largestExcess: number;
    /** The finding with the largest window. */
    readonly worst?: OverAdmissionFinding;
  };
  /** `whyNot` says what kept denials from being judged. */
  readonly falseDenials: Findings & { readonly judged: number; readonly whyNot: string };
  readonly replay: Findings & { readonly replayed: number };
  /** Of a promise other than a token bucket. */
  readonly windows: Findings;
  readonly phases: readonly EvidenceRow[];
  readonly regions: readonly EvidenceRow[];
  readonly clock: ClockBounds;
}
