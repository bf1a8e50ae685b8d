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
  readonly onProgress: OnProgress;
  /** Called with a sentence for what could not be undone, however the run ends. */
  readonly onLeftover: (what: string) => void;
}

/** What the stages of a run share. */
export interface Run extends RunOptions {
  readonly users: readonly PlannedUser[];
  readonly cleanup: Cleanup;
  readonly report: (stage: Stage, more?: Pick<Progress, 'detail' | 'load'>) => void;
  /** What went wrong and makes the run prove less, as sentences. */
  readonly troubles: string[];
}
