import type { CheckReport, Examination } from '../checker/check.ts';
import { OpenclawError } from '../core/errors.ts';
import type { History } from '../history/history.ts';
import { recordedUsers } from '../load/recorded.ts';
import { planUsers, REAL_USER } from '../load/users.ts';
import { Cleanup } from './cleanup.ts';
import type { Written } from './history-file.ts';
import { judgedBy, judgeRun, latenciesOf, unjudgedRun } from './judge-run.ts';
import { shapeOf, writePlan } from './plan-file.ts';
import { STAGE_DETAIL } from './progress.ts';
import { type Recorded, recordRun } from './record-run.ts';
import type { Run, RunOptions } from './run-context.ts';
import { describeWarmUp, warmUp } from './warm-up.ts';

export interface RunResult extends Omit<Recorded, 'written'> {
  readonly check: CheckReport;
  /** Absent if another thread judged the run. */
  readonly evidence?: { readonly history: History; readonly examination: Examination };
  readonly latencies: ReturnType<typeof latenciesOf>;
  /** Provider and server, for people. */
  readonly system: string;
}

/**
 * One run of a plan: provision, warm up, load with its faults, heal, settle, judge, tear down. Everything that was
 * started is stopped and every fault healed, also when it fails or is interrupted; it is killed if the program exits.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const startedMs = performance.now();
  const { plan, onProgress } = options;
  const shape = shapeOf(plan);
  const users =
    options.recorded === undefined
      ? planUsers(shape, options.areUsersReal ? REAL_USER : 'u')
      : recordedUsers(options.recorded, shape);
  const run: Run = {
    ...options,
    users,
    cleanup: new Cleanup(),
    problems: [],
    report: (stage, more = { detail: STAGE_DETAIL[stage] }) =>
      onProgress({ stage, elapsedMs: performance.now() - startedMs, ...more }),
  };
  const offExit = options.onExit(() => run.cleanup.kill());
  try {
    return await playStages(run);
  } finally {
    run.report('tear down');
    for (const leftover of await run.cleanup.run()) options.onLeftover(leftover);
    offExit();
  }
}

async function playStages(run: Run): Promise<RunResult> {
  const { plan, folder, signal, cleanup, problems, report, provide } = run;
  await writePlan(folder, plan, run.users);
  const system = await provide({
    plan,
    users: run.users,
    folder,
    cleanup,
    signal,
    onDeath: (how) => problems.push(how),
    onStep: (detail) => report('provision', { detail }),
  });
  throwIfAborted(signal);
  if (system.regions === undefined) report('warm up', { detail: describeWarmUp(run, system) });
  else {
    report('warm up');
    await warmUp(run, system);
  }
  throwIfAborted(signal);
  const { written, ...measured } = await recordRun(run, system);
  report('check');
  const judged = await judge(run, written);
  return { ...judged, latencies: latenciesOf(judged.check), system: system.description, ...measured };
}

async function judge(
  run: Run,
  { path, history, frame }: Written,
): Promise<Pick<RunResult, 'check' | 'evidence'>> {
  const by = judgedBy(run);
  if (history === undefined) {
    const check = await run.judgeApart?.judge(path, by);
    return { check: check ?? unjudgedRun(by, frame) };
  }
  const examination = judgeRun(by, history);
  return { check: examination.report, evidence: { history, examination } };
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was sent');
}
