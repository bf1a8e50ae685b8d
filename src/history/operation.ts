import type { Evidence } from '../core/decision.ts';
import type { Rate } from '../core/policy.ts';

/** `failed` is certainly not charged; `info` may have been charged, since its reply never came. */
export type Outcome = 'allowed' | 'denied' | 'failed' | 'info';

export const OUTCOMES = ['allowed', 'denied', 'failed', 'info'] as const satisfies readonly Outcome[];

/** One request of one user. Times are microseconds of the recorder's one monotonic clock. */
export interface Operation {
  readonly type: 'op';
  readonly index: number;
  readonly bucket: string;
  readonly user: string;
  readonly region: string;
  /** The connection that carried it. */
  readonly process: number;
  /** Tokens. */
  readonly cost: number;
  /** Rounded down, so an interval is never narrower than the truth. */
  readonly invokedUs: number;
  /** Rounded up; null for `info`, which may still take effect. */
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  readonly status?: number;
  /** Why it failed or is unknown: a code of the error catalogue or of the recorder. */
  readonly error?: string;
  readonly decision?: Evidence;
}

/** What the history was recorded of. `initial: full` holds for runs on fresh keys. */
export interface Header {
  readonly type: 'header';
  readonly format: 'openclaw-history';
  readonly version: 1;
  readonly policy: { readonly capacity: number; readonly refill: Rate };
  readonly strategy: string;
  readonly scenario: string;
  readonly seed: number;
  readonly regions: readonly string[];
  readonly startedAt: string;
  readonly initial: 'full' | 'unknown';
}

/** One reading of a server's clock: at recorder time `atUs`, within `errorUs`, it showed `serverUs`. */
export interface ClockReading {
  readonly type: 'clock';
  readonly node: string;
  readonly atUs: number;
  readonly serverUs: number;
  readonly errorUs: number;
}

/** The last record: `sent` operations were recorded. Without it a history is incomplete. */
export interface End {
  readonly type: 'end';
  readonly atUs: number;
  readonly sent: number;
}

export type HistoryRecord = Header | Operation | ClockReading | End;

/** A whole recorded run. */
export interface History {
  readonly header: Header;
  readonly operations: readonly Operation[];
  readonly clock: readonly ClockReading[];
  readonly end?: End;
}
