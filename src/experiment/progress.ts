import type { Outcome } from '../history/operation.ts';

export type Stage = 'provision' | 'warm up' | 'load' | 'heal' | 'settle' | 'check' | 'tear down';

/** What a run is doing now. */
export interface Progress {
  readonly stage: Stage;
  /** Since the run began. */
  readonly elapsedMs: number;
  readonly detail?: string;
  /** While there is load. */
  readonly load?: LoadProgress;
}

export interface LoadProgress {
  /** Since the load began, and how long it will last. */
  readonly atMs: number;
  readonly ofMs: number;
  /** Answers a second since the last report, by region. */
  readonly rates: Readonly<Record<string, Readonly<Record<Outcome, number>>>>;
  /** What is in force, as people read it. */
  readonly faults: readonly string[];
  /** How many of the busiest planned buckets admitted their limit, in whatever time, and denied: the check says how many were contested. */
  readonly atLimit: number;
  readonly ofBusiest: number;
  /** The worst excess of a bucket so far; absent where the limiter promises no token bucket. */
  readonly excess?: ExcessSoFar;
}

/** At least so much was admitted beyond an ideal bucket: the check at the end finds this or more. */
export interface ExcessSoFar {
  readonly tokens: number;
  /** Whose; absent where there is none. */
  readonly bucket?: string;
}

export type OnProgress = (progress: Progress) => void;
