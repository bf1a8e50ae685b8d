import type { CheckReport } from '../checker/check.ts';
import type { Promised } from '../core/promise.ts';
import type { Shell } from '../faults/support/shell.ts';
import type { RecordedRequest } from '../history/foreign/arrivals.ts';
import type { Users } from '../load/users.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Cleanup } from './cleanup.ts';
import type { PartOfRun } from './parts/part-of-run.ts';
import type { PluginLogs } from './plugin-logs.ts';
import type { OnProgress, Progress, Stage } from './progress.ts';
import type { ProvideSystem } from './system.ts';

export interface RunOptions {
  readonly plan: Plan;
  /** What the limiter claims to enforce. Default: a token bucket. */
  readonly promise?: Promised;
  /** Microseconds that the limiter's clock may be off, in addition to the error of its readings. Absent: the default. */
  readonly clockSlackUs?: number;
  /** The folder of this run; made by `makeRunFolder`. */
  readonly folder: string;
  readonly startedAt: Date;
  readonly provide: ProvideSystem;
  /** The requests of the plan's log. */
  readonly recorded?: readonly RecordedRequest[];
  /** Sends only this part of the load; other processes send the others. */
  readonly part?: PartOfRun;
  /** For the commands of faults. */
  readonly shell: Pick<Shell, 'cwd' | 'env'>;
  /** Users are real ones of an audited system: output shows only their numbers. */
  readonly areUsersReal?: boolean;
  readonly signal: AbortSignal;
  /** The program of a load process. Absent: this process sends the load. */
  readonly loadProgram?: URL;
  /** Absent: every run is judged in this thread, which blocks signals. */
  readonly judgeApart?: JudgeApart;
  readonly onProgress: OnProgress;
  /** Calls back if the program exits during the run, until the returned function is called. */
  readonly onExit: (callBack: () => void) => () => void;
  /** Called with a sentence for each step that could not be undone, also when the run fails. */
  readonly onLeftover: (what: string) => void;
}

/** What a run is judged by, in addition to its history: plain data that another thread can receive. */
export interface JudgedBy {
  readonly plan: Plan;
  readonly promise?: Promised;
  /** The buckets that are expected to get the most requests. */
  readonly busiest: readonly string[];
  readonly problems: readonly string[];
  /** Of a plug-in. Absent where the logs of its services are not in the folder of the run yet. */
  readonly pluginLogs?: PluginLogs;
}

/** Judges long runs in another thread, from their files, so that signals are still handled. */
export interface JudgeApart {
  /** For runs of more operations than this; they are not held in memory. */
  readonly above: number;
  /** Begins to read the only file of the run, which is still being written and is not packed; `judge` gets it later. */
  follow?(file: string): void;
  /** Of a run in parts there are several files. Undefined once a signal has ended it. */
  judge(files: readonly string[], by: JudgedBy): Promise<CheckReport | undefined>;
}

/** The state that the stages of a run share. */
export interface RunState {
  readonly users: Users;
  readonly cleanup: Cleanup;
  readonly report: (stage: Stage, more?: Pick<Progress, 'detail' | 'load'>) => void;
  /** Sentences for what went wrong and makes the run prove less. */
  readonly problems: string[];
}

export interface Run extends RunOptions, RunState {}
