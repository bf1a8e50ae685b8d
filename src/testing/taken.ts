import type { Evidence } from '../core/decision.ts';
import type { NamedPolicy } from '../core/policies.ts';
import type { Outcome, Stated } from '../history/records/operation.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { ReservationRecord } from './reservation-record.ts';

/** One call of the limiter. */
export interface Taken {
  readonly index: number;
  readonly bucket: string;
  readonly cost: Cost;
  /** 1 for a take, -1 for a refund. */
  readonly sign: 1 | -1;
  readonly decisionId?: string;
  readonly invokedUs: number;
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  readonly error?: string;
  readonly decision?: Evidence;
  readonly stated?: Stated;
  /** Of a reservation. Repeated attempts to make one share it. */
  readonly reservation?: ReservationRecord;
}

/** What a call asks for. */
export interface Asked extends Pick<Taken, 'bucket' | 'cost' | 'sign' | 'decisionId'> {
  /** The policies that the limiter itself has for this bucket, if it can say them. */
  readonly ownPolicies?: () => readonly NamedPolicy[];
  /** The call names no bucket and counts as of the one of all such calls. */
  readonly isUnnamed?: true;
  /** Of a reservation: how long it lasts, if not for ever. */
  readonly reserves?: { readonly expiresMs: number | undefined };
}

/** What it was answered. */
export interface Answer extends Pick<Taken, 'outcome' | 'error' | 'decision' | 'stated'> {
  /** The names of the policies that decided together. */
  readonly policies?: readonly string[];
  /** An admission by an earlier take of this id: nothing more was charged. */
  readonly isRemembered?: true;
}

/** What a recording knows. */
export interface Recorded {
  readonly taken: readonly Taken[];
  readonly resets: readonly RecordedReset[];
  readonly moves: readonly RecordedMove[];
  readonly strategy: string;
  readonly initial: 'full' | 'unknown';
  readonly clocks: 'one' | 'apart' | undefined;
  /** Whether all calls count as of one bucket, since no option names it. */
  readonly isOneBucket: boolean;
  /** The policies that decided together, by the limiter's own word. */
  readonly policyNames: readonly string[];
  readonly ownPolicies: readonly (() => readonly NamedPolicy[])[];
}

/** A reset of a bucket; `untilUs` is null if it may not be over. */
export interface RecordedReset {
  readonly bucket: string;
  readonly atUs: number;
  readonly untilUs: number | null;
}

/** A move of a bucket to another home; `untilUs` is null if it may not be over. */
export interface RecordedMove {
  readonly args: {
    readonly bucket: string;
    readonly from: string | null;
    readonly to: string | null;
    readonly move?: number;
  };
  readonly atUs: number;
  readonly untilUs: number | null;
}
