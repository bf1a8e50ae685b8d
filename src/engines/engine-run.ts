import type { CheckReport } from '../checker/check.ts';
import type { JudgedBy, RunOptions, RunState } from '../experiment/run-context.ts';
import type { ClockOfRun, ClockOptions } from './clock-of-run.ts';
import type { DeployedService, Deployment, DeploymentOptions } from './deployment.ts';
import type { Engine } from './engine.ts';
import type { TaskWatch } from './task-watch.ts';

export interface EngineRunOptions
  extends Omit<RunOptions, 'provide' | 'part' | 'loadProgram' | 'judgeApart' | 'areUsersReal'> {
  /** Of all that is deployed. */
  readonly name: string;
  readonly engine: Engine;
  /** Of Redis that runs already. */
  readonly found?: Pick<DeploymentOptions, 'endpoints' | 'ca' | 'allowsEviction'>;
  /** The scenario as `<its name>.yaml`, and the files that it names. */
  readonly files: Readonly<Record<string, string>>;
  /** The text of the plan's plug-in. */
  readonly plugin?: string;
  /** Those of Redis that runs already. */
  readonly secrets: Readonly<Record<string, string>>;
  /** From when the foundation is there until the load starts. */
  readonly leadMs: number;
  readonly clock: Pick<ClockOptions, 'host' | 'port' | 'look'>;
  /** How long after the load, or the last part, the next part may come. Default: 3 min. */
  readonly collectMs?: number;
  /** Judges the files of the run; undefined once a signal has ended it. */
  readonly judge: (files: readonly string[], by: JudgedBy) => Promise<CheckReport | undefined>;
}

export type EngineRun = EngineRunOptions & RunState;

/** A run while its services are deployed. */
export interface OnEngine {
  readonly clock: ClockOfRun;
  readonly tasks: TaskWatch;
  /** Deploys more services. Gives them with those of earlier calls. */
  deploy(deployment: Deployment): Promise<readonly DeployedService[]>;
}
