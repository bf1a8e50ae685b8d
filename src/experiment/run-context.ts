import type { CheckReport } from '../checker/check.ts';
import type { Promised } from '../checker/promise.ts';
import type { PlannedUser } from '../load/users.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Cleanup } from './cleanup.ts';
import type { OnProgress, Progress, Stage } from './progress.ts';
import type { ProvideSystem } from './system.ts';

export interface RunOptions {
  readonly plan: Plan;
  /** What the limiter claims to enforce; a token bucket without. */
  readonly promise?: Promised;
  /** What the limiter's clock may be off beside what is read of it; what is granted by default without. */
  readonly clockSlackUs?: number;
  /** The folder of this run; made by `makeRunFolder`. */
  readonly folder: string;
  readonly startedAt: Date;
  readonly provide: ProvideSystem;
  /** Users are real ones of a system that is not ours: each is called by its number alone. */
  readonly areUsersReal?: boolean;
  readonly signal: AbortSignal;
  /** Without, every run is judged in this thread: a signal waits for it. */
  readonly judgeApart?: JudgeApart;
  readonly onProgress: OnProgress;
  /** Called with a sentence for what could not be undone, however the run ends. */
  readonly onLeftover: (what: string) => void;
}

/** What a run is judged by beside its history: plain data, which can be handed to another thread. */
export interface JudgedBy {
  readonly plan: Plan;
  readonly promise?: Promised;
  /** The buckets that are expected to be asked most. */
  readonly busiest: readonly string[];
  readonly troubles: readonly string[];
}

/** Judges long runs elsewhere, from their files, so that a signal is heard meanwhile. */
export interface JudgeApart {
  /** Runs of more operations than this; they are not held in memory here. */
  readonly above: number;
  /** Undefined once a signal has ended it. */
  judge(file: string, by: JudgedBy): Promise<CheckReport | undefined>;
}

/** What the stages of a run share. */
export interface Run extends RunOptions {
  readonly users: readonly PlannedUser[];
  readonly cleanup: Cleanup;
  readonly report: (stage: Stage, more?: Pick<Progress, 'detail' | 'load'>) => void;
  /** What went wrong and makes the run prove less, as sentences. */
  readonly troubles: string[];
}
