import type { Evidence } from '../core/decision.ts';
import type { NamedPolicy } from '../core/policies.ts';
import type { Outcome, Stated } from '../history/records/operation.ts';
import type { Cost } from '../limiter/limiter.ts';

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
}

/** What a recording knows. */
export interface Recorded {
  readonly taken: readonly Taken[];
  readonly resets: readonly { readonly bucket: string; readonly atUs: number }[];
  readonly strategy: string;
  readonly initial: 'full' | 'unknown';
  readonly clocks: 'one' | 'apart' | undefined;
  /** Whether all calls count as of one bucket, since no option names it. */
  readonly isOneBucket: boolean;
  /** The policies that decided together, by the limiter's own word. */
  readonly policyNames: readonly string[];
  readonly ownPolicies: readonly (() => readonly NamedPolicy[])[];
}
