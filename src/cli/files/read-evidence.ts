import { examineHistory } from '../../checker/check.ts';
import { parsePromise } from '../../core/promise.ts';
import type { Evidence } from '../../report/html/run-page.ts';
import type { RunReport } from '../../report/report.ts';
import type { Environment } from '../process/environment.ts';
import { historyFilesOf } from './history-files.ts';
import { sayJudging } from './read-history.ts';
import { readRecorded } from './read-recorded.ts';

/**
 * The history of a kept run, judged again for every row: a report keeps figures only. Undefined if the folder has no
 * history. Throws INVALID_HISTORY and INTERRUPTED.
 */
export async function readEvidence(
  folder: string,
  report: RunReport,
  environment: Environment,
): Promise<Evidence | undefined> {
  const files = historyFilesOf(folder);
  if (files.length === 0) return undefined;
  const { history } = await readRecorded(files, {
    stdin: () => environment.stdin,
    signal: environment.interrupt,
    log: environment.log,
    onProgress: ({ operations }) => environment.log(`reading ${operations} operations\n`),
  });
  sayJudging(history, environment.log);
  const promise = parsePromise(report.promise);
  return { history, examination: examineHistory(history, { busiest: [], claims: [], promise }) };
}
