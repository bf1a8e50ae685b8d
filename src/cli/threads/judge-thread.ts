import { parentPort, workerData } from 'node:worker_threads';
import { judgeRun } from '../../experiment/judge-run.ts';
import type { History } from '../../history/history.ts';
import { writeCertificate } from '../files/certificate-file.ts';
import { readGrowing } from '../files/read-growing.ts';
import { readRecorded } from '../files/read-recorded.ts';
import { runHtml } from '../output/html-file.ts';
import type { AfterJudging, HistoryToJudge, JudgeTask } from './judge-apart.ts';

/**
 * Reads a run from its files, judges it when it is asked to, then draws its page and writes its certificate when it is
 * asked to, until it is ended.
 */
const { files, isGrowing } = workerData as HistoryToJudge;
const asked = new Promise<JudgeTask>((resolve) => parentPort?.once('message', resolve));
const history = isGrowing ? await readGrowing(files[0] ?? '', asked) : await readWhole();
const { by } = await asked;
const examination = judgeRun(by, history);
parentPort?.on('message', async (task: AfterJudging) => {
  parentPort?.postMessage(
    'page' in task ? runHtml(task.page, { history, examination }) : await certify(task),
  );
});
parentPort?.postMessage(examination.report);

async function readWhole(): Promise<History> {
  const { history } = await readRecorded(files, {
    stdin: () => process.stdin,
    signal: new AbortController().signal,
    log: () => {},
    onProgress: () => {},
  });
  return history;
}

async function certify({ certificate }: { readonly certificate: string }): Promise<{ failure?: string }> {
  return writeCertificate(certificate, { history, examination }, new AbortController().signal).then(
    () => ({}),
    (error: Error) => ({ failure: error.message }),
  );
}
