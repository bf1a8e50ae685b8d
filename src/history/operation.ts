import type { Evidence } from '../core/decision.ts';
import type { Rate } from '../core/policy.ts';

/** `failed` is certainly not charged; `info` may have been charged, since its reply never came. */
export type Outcome = 'allowed' | 'denied' | 'failed' | 'info';

export const OUTCOMES = ['allowed', 'denied', 'failed', 'info'] as const satisfies readonly Outcome[];

/** One request of one user. Times are microseconds of the recorder's one monotonic clock. */
export interface Operation {
  readonly type: 'op';
  /** Unique within a file. */
  readonly index: number;
  readonly bucket: string;
  readonly user: string;
  readonly region: string;
  /** The connection that carried it. */
  readonly process: number;
  /** Tokens; negative for a refund. */
  readonly cost: number;
  /** Rounded down, so an interval is never narrower than the truth. */
  readonly invokedUs: number;
  /** When it should have been sent, of a load of constant rate: latencies count from then, the checker's interval does not. */
  readonly intendedUs?: number;
  /** Rounded up; null for `info`, which may still take effect. */
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  readonly status?: number;
  /** Why it failed or is unknown: a code of the error catalogue or of the recorder. */
  readonly error?: string;
  readonly decision?: Evidence;
  /** The name of its policy among the header's `policies`; the header's `policy` without. */
  readonly policy?: string;
  /** Tokens one may have charged at most, of several charges each; `cost` without. The surplus may be charged until `latestUs`. */
  readonly maxCharge?: number;
  /** The last moment at which what is unknown about it can still take effect; without, it always can. */
  readonly latestUs?: number;
  /**
   * Attempts that share one are one decision and charge once. A history has all attempts of a decision, also
   * those before its start: an answer that is only repeated would look like a charge.
   */
  readonly decisionId?: string;
  /** Several buckets in one decision, all or nothing; `bucket`, `cost` and `policy` are not read then. */
  readonly charges?: readonly Charge[];
}

/** The part of one decision that concerns one bucket. `cost` in tokens. */
export interface Charge {
  readonly bucket: string;
  readonly cost: number;
  readonly policy?: string;
}

/** A policy as a header writes it. */
export interface PolicyRecord {
  readonly capacity: number;
  readonly refill: Rate;
}

/** What the history was recorded of. `initial: full` holds for runs on fresh keys. */
export interface Header {
  readonly type: 'header';
  readonly format: 'openclaw-history';
  readonly version: 1;
  /** For operations that name none. */
  readonly policy?: PolicyRecord;
  /** By name, for classes of buckets. */
  readonly policies?: Readonly<Record<string, PolicyRecord>>;
  readonly strategy: string;
  readonly scenario: string;
  readonly seed: number;
  readonly regions: readonly string[];
  readonly startedAt: string;
  readonly initial: 'full' | 'unknown';
  /**
   * Of a history without clock readings: whether the limiter decides on the recorder's clock, as fine as the recorder
   * has it, or on one that was not read. Without, on one that runs as fast and may count in milliseconds.
   */
  readonly clocks?: 'one' | 'apart';
  /** What the limiter's clock may gain or lose between two moments, beside its drift and what readings say. */
  readonly clockSlackUs?: number;
  /** That nothing was given back while it was recorded, by a refund or a reset: what is missing from it is none. */
  readonly refunds?: 'none';
}

/**
 * Something that happened to the system. `reset` fills the bucket named by `args.bucket`, or every bucket, at `atUs`
 * or later: it is recorded when it is asked for. `dropped` counts `args.requests` of an open load in `args.region` that
 * were due from `atUs` on and never sent.
 */
export interface Event {
  readonly type: 'event';
  readonly event: string;
  readonly atUs: number;
  readonly node?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * What is done to the system on purpose: `inject`, then `heal`. `settled` is when the system was whole again and no fault
 * was in force: after the last heal before the next fault, and at the end of a run.
 */
export interface FaultRecord {
  readonly type: 'fault';
  readonly fault: string;
  readonly phase: 'inject' | 'heal' | 'settled';
  readonly atUs: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * One reading of a server's clock: at recorder time `atUs`, within `errorUs`, it showed `serverUs`. That of a `Date`
 * header says which time of day it is there, and nothing of how fast its clock runs.
 */
export interface ClockReading {
  readonly type: 'clock';
  readonly node: string;
  readonly atUs: number;
  readonly serverUs: number;
  readonly errorUs: number;
  readonly source?: 'date';
}

/** The last record: `sent` operations were recorded. Without it a history is incomplete. */
export interface End {
  readonly type: 'end';
  readonly atUs: number;
  readonly sent: number;
}

export type HistoryRecord = Header | Operation | Event | FaultRecord | ClockReading | End;
