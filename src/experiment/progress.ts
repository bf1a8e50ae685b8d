import type { Outcome } from '../history/records/operation.ts';

export type Stage =
  | 'provision'
  | 'warm up'
  | 'wait'
  | 'load'
  | 'heal'
  | 'settle'
  | 'repeat'
  | 'collect'
  | 'check'
  | 'tear down';

/** What a stage does or waits for, where its report has nothing more exact. */
export const STAGE_DETAIL: Readonly<Record<Stage, string>> = {
  provision: '',
  'warm up': 'sending load to separate buckets, which are not judged',
  wait: '',
  load: '',
  heal: 'removing the faults',
  settle: 'waiting for replicas to link and primaries to return to their regions',
  repeat: 'simulating the beginning again: the same seed must give the same history',
  collect: 'waiting for the files of the parts',
  check: 'judging the history',
  'tear down': 'stopping what the run started',
};

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
  /** Answers a second since the last report, by region; empty where other machines send the load. */
  readonly rates: Readonly<Record<string, Readonly<Record<Outcome, number>>>>;
  /** The names of the faults in force. */
  readonly faults: readonly string[];
  /** How many of the busiest buckets admitted their limit and denied; the check counts the contested ones. Of 0, none is known. */
  readonly atLimit: number;
  readonly ofBusiest: number;
  /** The worst excess of a bucket so far; absent if the limiter promises no token bucket. */
  readonly excess?: ExcessSoFar;
}

/** A lower bound of the excess beyond an ideal bucket: the check at the end finds this or more. */
export interface ExcessSoFar {
  readonly tokens: number;
  /** The bucket with that excess; absent if there is none. */
  readonly bucket?: string;
}

export type OnProgress = (progress: Progress) => void;
