import type { Verdict } from '../core/verdict.ts';
import type { Aim, Outcome } from './outcome.ts';

/** The result of a hunt: `hunt.json`. */
export interface HuntDocument {
  readonly format: 'openclaw-hunt';
  readonly version: 1;
  readonly program: string;
  readonly command: string;
  /** A name, or `plugin:` and the name of its file. */
  readonly strategy: string;
  readonly policy: string;
  readonly seed: number;
  readonly for: Aim;
  /** Where the schedules ran that were searched. */
  readonly searched: 'simulated' | 'real';
  /** How many were tried, by this command and by earlier ones that it resumed; those of shrinking are part of them. */
  readonly schedules: number;
  readonly restarts: number;
  /** Milliseconds. */
  readonly elapsedMs: number;
  /** The worst schedule of each combination of faults, the worst first. */
  readonly worst: readonly HuntedCase[];
  /** The schedules without an outcome. */
  readonly failed: readonly FailedCase[];
}

/** A schedule that was kept. */
export interface HuntedCase {
  /** Its scenario file, in the folder of the hunt. */
  readonly scenario: string;
  /** The kinds of its faults in the order of their times. */
  readonly faults: readonly string[];
  readonly users: number;
  /** As it was searched: `real` of a hunt on real clusters, else `simulated`. */
  readonly outcome: Outcome;
  readonly isFound: boolean;
  /** The schedule that was shrunk to it. Absent if shrinking changed nothing, or was not tried. */
  readonly shrunkFrom?: ShrunkFrom;
  /** On a real cluster. Absent for a schedule that is no finding, and where that was not asked for. */
  readonly real?: RealCase;
}

export interface ShrunkFrom {
  readonly faults: number;
  readonly users: number;
  readonly requests: number;
  /** Tokens: a shrunk schedule may admit fewer. */
  readonly excess: number;
}

export interface RealCase {
  readonly status: 'confirmed' | 'not confirmed';
  readonly reason: string;
  /** Of the last run; absent if none was judged. */
  readonly outcome?: Pick<Outcome, 'excess' | 'bound'> & { readonly verdict: Verdict };
  /** The folders of its runs. */
  readonly runs: readonly string[];
}

export interface FailedCase {
  readonly scenario: string;
  readonly reason: string;
}

/**
 * `found`: more than is allowed, on a real cluster. `not confirmed`: in simulation only. `incomplete`: nothing, but some
 * schedules have no outcome. `nothing`: in all schedules of the budget.
 */
export type HuntStatus = 'found' | 'not confirmed' | 'incomplete' | 'nothing';

export function huntStatus({ searched, worst, failed }: HuntDocument): HuntStatus {
  const found = worst.filter(({ isFound }) => isFound);
  const isProved = searched === 'real' || found.some(({ real }) => real?.status === 'confirmed');
  if (found.length > 0) return isProved ? 'found' : 'not confirmed';
  return failed.length > 0 ? 'incomplete' : 'nothing';
}
