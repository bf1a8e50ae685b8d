import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { examineHistory } from '../../checker/check.ts';
import { parsePromise } from '../../checker/claims/promise.ts';
import { HistoryReader } from '../../history/reader.ts';
import type { Evidence } from '../../report/html/run-page.ts';
import type { RunReport } from '../../report/report.ts';
import type { Environment } from '../process/environment.ts';
import { readHistory, sayJudging } from './read-history.ts';

const NAMES = ['history.ndjson', 'history.ndjson.gz'];

/** The file of a kept run's history; undefined if its folder has none. */
export function historyOf(folder: string): string | undefined {
  return NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * The history of a kept run, judged again for every row: a report keeps figures only. Undefined if the folder has no
 * history. Throws INVALID_HISTORY and INTERRUPTED.
 */
export async function readEvidence(
  folder: string,
  report: RunReport,
  environment: Environment,
): Promise<Evidence | undefined> {
  const file = historyOf(folder);
  if (file === undefined) return undefined;
  const history = await readHistory([file], new HistoryReader(), {
    stdin: () => environment.stdin,
    signal: environment.interrupt,
    onProgress: ({ operations }) => environment.log(`reading ${operations} operations\n`),
  });
  sayJudging(history, environment.log);
  const promise = parsePromise(report.promise);
  return { history, examination: examineHistory(history, { busiest: [], claims: [], promise }) };
}
