import type { CheckReport, Examination } from '../checker/check.ts';
import { given } from '../core/given.ts';
import type { History } from '../history/history.ts';
import type { Written } from './history-file.ts';
import { judgedBy, judgeRun, latenciesOf, unjudgedRun } from './judge-run.ts';
import { writePlan } from './plan-file.ts';
import { playRun, startSystem } from './play-run.ts';
import { readPluginLogs } from './plugin-logs.ts';
import { type Recorded, recordRun } from './record-run.ts';
import type { Run, RunOptions } from './run-context.ts';

export interface RunResult extends Omit<Recorded, 'written' | 'originAt'> {
  /** Absent where several machines recorded it. */
  readonly originAt?: string;
  readonly check: CheckReport;
  /** Absent if another thread judged the run. */
  readonly evidence?: { readonly history: History; readonly examination: Examination };
  readonly latencies: ReturnType<typeof latenciesOf>;
  /** How many sent the load. */
  readonly loadProcesses: number;
  /** Provider and server, for people. */
  readonly system: string;
}

/** One run of a plan: provision, warm up, load with its faults, heal, settle, judge, tear down. */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  return playRun(options, async (run) => {
    await writePlan(run.folder, run.plan, run.users);
    const started = await startSystem(run);
    const { written, ...measured } = await recordRun(run, started);
    run.report('check');
    const judged = await judge(run, written);
    const { processes } = started.sender;
    return {
      ...{ ...judged, latencies: latenciesOf(judged.check), ...measured, loadProcesses: processes },
      system: `${started.system.description}${processes === 1 ? '' : `, load from ${processes} processes`}`,
    };
  });
}

/** Judges what was recorded: here if it is in memory, else in another thread. */
export async function judge(
  run: Omit<Run, 'provide'>,
  { path, history, frame }: Written,
): Promise<Pick<RunResult, 'check' | 'evidence'>> {
  const { plan, folder } = run;
  const pluginLogs = plan.limiter === undefined ? undefined : await readPluginLogs(folder);
  const by = { ...judgedBy(run), ...given({ pluginLogs }) };
  if (history === undefined) {
    const check = await run.judgeApart?.judge([path], by);
    return { check: check ?? unjudgedRun(by, frame) };
  }
  const examination = judgeRun(by, history);
  return { check: examination.report, evidence: { history, examination } };
}
