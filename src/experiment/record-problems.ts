import { PROBLEM_EVENT, problemText } from '../history/records/operation.ts';
import type { Recorder } from '../load/recorder.ts';
import type { HistoryFile } from './history-file.ts';
import { readPluginLogs } from './plugin-logs.ts';
import type { Run } from './run-context.ts';

/** What went wrong so far, as sentences. With any of them the verdict is `unknown` at best. */
export function problemsOf({ signal, problems }: Pick<Run, 'signal' | 'problems'>): readonly string[] {
  return [...(signal.aborted ? ['the run was interrupted'] : []), ...problems];
}

/** A sentence for each service whose plug-in is not in the service's region. */
export async function outsideProblems({ plan, folder }: Pick<Run, 'plan' | 'folder'>): Promise<string[]> {
  if (plan.limiter === undefined) return [];
  const { outside } = await readPluginLogs(folder);
  return outside.map((how) => `the limiter of ${how}: latency and faults of its region did not reach it`);
}

/** Writes problems into the history: `check` knows no others. */
export function recordProblems(
  problems: readonly string[],
  recorder: Pick<Recorder, 'nowUs'>,
  history: Pick<HistoryFile, 'add'>,
): void {
  const atUs = Math.ceil(recorder.nowUs());
  for (const problem of problems) {
    history.add({ type: 'event', event: PROBLEM_EVENT, atUs, args: { text: problemText(problem) } });
  }
}
