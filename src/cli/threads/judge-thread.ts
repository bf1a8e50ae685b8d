import { parentPort, workerData } from 'node:worker_threads';
import { judgeRun } from '../../experiment/judge-run.ts';
import { writeCertificate } from '../files/certificate-file.ts';
import { readRecorded } from '../files/read-recorded.ts';
import { runHtml } from '../output/html-file.ts';
import type { AfterJudging, JudgeTask } from './judge-apart.ts';

/** Judges a run from its files, then draws its page and writes its certificate when it is asked to, until it is ended. */
const { files, by } = workerData as JudgeTask;
const { history } = await readRecorded(files, {
  stdin: () => process.stdin,
  signal: new AbortController().signal,
  log: () => {},
  onProgress: () => {},
});
const examination = judgeRun(by, history);
parentPort?.on('message', async (task: AfterJudging) => {
  parentPort?.postMessage(
    'page' in task ? runHtml(task.page, { history, examination }) : await certify(task),
  );
});
parentPort?.postMessage(examination.report);

async function certify({ certificate }: { readonly certificate: string }): Promise<{ failure?: string }> {
  return writeCertificate(certificate, { history, examination }, new AbortController().signal).then(
    () => ({}),
    (error: Error) => ({ failure: error.message }),
  );
}
