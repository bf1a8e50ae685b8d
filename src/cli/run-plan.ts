import { basename, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import type { ProvideSystem } from '../experiment/system.ts';
import { makeRunFolder, writeRunFile } from '../experiment/run-folder.ts';
import { DEFAULT_PREFIX } from '../limiter/key.ts';
import { planTopology } from '../regions/topology.ts';
import type { Plan } from '../scenario/plan.ts';
import { bringUp, clusterStore, DEFAULT_CLUSTER, findRunning } from './cluster.ts';
import type { Environment } from './environment.ts';
import { progressLine, RATES_LEGEND } from './progress-line.ts';

/** What the commands that make a run take besides its plan. */
export interface RunFlags {
  readonly name: string;
  readonly reports: string;
  readonly json: boolean;
}

export function runOptions(command: Command): Command {
  return command
    .option('--name <name>', 'run on this cluster if it is up, and leave it up', DEFAULT_CLUSTER)
    .option('--reports <folder>', 'runs are kept in here', 'reports')
    .option('--json', 'print one JSON document and nothing else', false);
}

export interface RunRequest {
  readonly plan: Plan;
  /** The command that makes this run again. */
  readonly command: string;
  readonly flags: RunFlags;
  /** The server program for a cluster that is brought up for this run. */
  readonly server?: string;
}

/** Runs a plan, writes what came of it into a folder of its own, prints it, and sets the exit code. */
export async function runAndReport(request: RunRequest, environment: Environment): Promise<void> {
  const { plan, command, flags } = request;
  const startedAt = new Date();
  for (const claim of plan.claims) environment.log(`claim: ${explainClaim(parseClaim(claim))}\n`);
  const folder = await makeRunFolder(
    resolve(environment.cwd, flags.reports),
    startedAt,
    `${plan.scenario}-${plan.seed}`,
  );
  const { runPlan } = await import('../experiment/run.ts'); // heavy: not for --help, nor for the children
  const result = await runPlan({
    plan,
    folder,
    startedAt,
    provide: await chooseSystem(request, folder, environment),
    signal: environment.interrupt,
    onProgress: (progress) => environment.log(`${progressLine(progress)}\n`),
  });
}
