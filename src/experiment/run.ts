import type { CheckReport } from '../checker/check.ts';
import { OpenclawError } from '../core/errors.ts';
import { Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import { makeUserDraw, planUsers } from '../load/users.ts';
import { Cleanup } from './cleanup.ts';
import { judgeRun } from './judge-run.ts';
import { shapeOf, writePlan } from './plan-file.ts';
import { recordRun } from './record-run.ts';
import type { Run, RunOptions } from './run-context.ts';
import type { System } from './system.ts';

export interface RunResult {
  readonly check: CheckReport;
  readonly latencies: ReturnType<Recorder['latencies']>;
  /** Provider and server, for people. */
  readonly system: string;
  readonly loadMs: number;
  /** What could not be undone, as sentences; empty when all is gone. */
  readonly leftovers: readonly string[];
}

const WARM_UP_MS = 2_000;
const DRAIN_MS = 3_000;

/**
 * One run of a plan: provision, warm up, load with its faults, heal, settle, judge, tear down. Everything that was
 * started is stopped and every fault healed, also when it fails or is interrupted.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const startedMs = performance.now();
  const { plan, onProgress } = options;
  const users = planUsers(shapeOf(plan));
  for (const region of plan.topology.regions) makeUserDraw(users, region); // refuses a plan in which a region has no user
  const run: Run = {
    ...options,
    users,
    cleanup: new Cleanup(),
    troubles: [],
    report: (stage, more = {}) => onProgress({ stage, elapsedMs: performance.now() - startedMs, ...more }),
  };
  try {
    const result = await playStages(run);
    run.report('tear down');
    return { ...result, leftovers: await run.cleanup.run() };
  } finally {
    await run.cleanup.run();
  }
}

async function playStages(run: Run): Promise<Omit<RunResult, 'leftovers'>> {
  const { plan, folder, signal, cleanup, troubles, report, provide } = run;
  await writePlan(folder, plan, run.users);
  const system = await provide({
    plan,
    folder,
    cleanup,
    signal,
    onDeath: (how) => troubles.push(how),
    onStep: (detail) => report('provision', { detail }),
  });
  throwIfAborted(signal);
  await warmUp(run, system);
  const { history, latencies, loadMs } = await recordRun(run, system);
  report('check');
  return { check: judgeRun(run, history), latencies, system: system.description, loadMs };
}

/** Fresh processes are slow and their connections are few: load on buckets of its own, which is not judged. */
async function warmUp({ plan, signal, report }: Run, { targets }: System): Promise<void> {
  report('warm up');
  const shape = { ...shapeOf(plan), mode: 'closed', costs: [1] } as const;
  const users = shape.regions.map((region) => ({
    name: `warm-up-${region}`,
    regions: [region],
    weight: 1,
    arrivesMs: 0,
  }));
  const recorder = new Recorder(() => {});
  await runLoad({ shape, users, targets, recorder, durationMs: WARM_UP_MS, drainMs: DRAIN_MS, signal });
  throwIfAborted(signal);
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was sent');
}
