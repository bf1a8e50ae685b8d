import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { judgeRun } from '../../experiment/judge-run.ts';
import { HistoryReader } from '../../history/reader.ts';
import type { RunReport } from '../../report/report.ts';
import { readHistory } from '../files/read-history.ts';
import { runHtml } from '../output/html-file.ts';
import type { JudgeTask } from './judge-apart.ts';

/** Judges a run from its file, then draws the page of its report. */
const { file, by } = workerData as JudgeTask;
const history = await readHistory([file], new HistoryReader(), {
  stdin: () => process.stdin,
  signal: new AbortController().signal,
  onProgress: () => {},
});
const examination = judgeRun(by, history);
if (parentPort !== null) {
  const message = once(parentPort, 'message');
  parentPort.postMessage(examination.report);
  const [report] = (await message) as [RunReport];
  parentPort.postMessage(runHtml(report, { history, examination }));
}
