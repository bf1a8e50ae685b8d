import { join } from 'node:path';
import { HistoryFile } from '../experiment/history-file.ts';
import { latenciesOf } from '../experiment/judge-run.ts';
import { writePlan } from '../experiment/plan-file.ts';
import { playRun } from '../experiment/play-run.ts';
import { endHistory } from '../experiment/recording.ts';
import { judge, type RunResult } from '../experiment/run.ts';
import type { RunOptions } from '../experiment/run-context.ts';
import type { Header } from '../history/records/operation.ts';
import { record } from './record.ts';
import type { WorldOptions } from './world.ts';

/** A run without a system: it is simulated. */
export interface SimulationOptions
  extends Omit<RunOptions, 'provide' | 'part' | 'loadProgram'>,
    Omit<WorldOptions, 'plan'> {}

/** The history of more operations is read by another thread while the load runs: to start it takes a tenth of a second. */
const MOST_HELD = 20_000;

/**
 * One run of a plan in virtual time, in this process: the strategies, their scripts, the load and the judgement are the real
 * ones; nodes, network and services are models. The same plan gives the same history, byte for byte.
 */
export async function simulatePlan(options: SimulationOptions): Promise<RunResult> {
  return playRun(options, async (run) => {
    await writePlan(run.folder, run.plan, run.users);
    const { history, recorder, sample, ...measured } = await record(run, (header, onFailure) =>
      openHistory(run, header, onFailure),
    );
    const written = await endHistory(history, recorder, { ...run, sample });
    run.report('check');
    const judged = await judge(run, written);
    const system = 'nodes, network and services in virtual time';
    return { ...judged, latencies: latenciesOf(judged.check), ...measured, loadProcesses: 1, system };
  });
}

function openHistory(
  { folder, judgeApart }: SimulationOptions,
  header: Header,
  onFailure: () => void,
): HistoryFile {
  const path = join(folder, 'history.ndjson');
  const { above, follow } = judgeApart ?? {};
  const held = follow === undefined ? above : Math.min(above ?? MOST_HELD, MOST_HELD);
  return new HistoryFile(path, header, onFailure, held, () => judgeApart?.follow?.(path));
}
