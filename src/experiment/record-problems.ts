import { PROBLEM_EVENT } from '../history/records/operation.ts';
import type { Recorder } from '../load/recorder.ts';
import type { HistoryFile } from './history-file.ts';

/** Characters of a problem in a history. */
const MOST_PROBLEM = 500;

/** Those of a part are judged with its history, by a program that does not know them otherwise. */
export function recordProblems(
  problems: readonly string[],
  recorder: Pick<Recorder, 'nowUs'>,
  history: Pick<HistoryFile, 'add'>,
): void {
  const atUs = Math.ceil(recorder.nowUs());
  for (const problem of problems) {
    const text = problem.slice(0, MOST_PROBLEM);
    history.add({ type: 'event', event: PROBLEM_EVENT, atUs, args: { text } });
  }
}
