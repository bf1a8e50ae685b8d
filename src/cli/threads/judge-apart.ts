import { Worker } from 'node:worker_threads';
import type { CheckReport } from '../../checker/check.ts';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import type { JudgeApart, JudgedBy } from '../../experiment/run-context.ts';
import type { RunReport } from '../../report/report.ts';
import { dropUnfinished } from '../files/write-file.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { scarcityOf } from '../process/scarcity.ts';

/** The input of the thread. */
export interface HistoryToJudge {
  /** Of a run in parts one for each, and that of its control part. */
  readonly files: readonly string[];
  /** Whether the one file is still being written, until the thread gets its task. */
  readonly isGrowing: boolean;
}

/** The first message to the thread. */
export interface JudgeTask {
  readonly by: JudgedBy;
}

/** What the thread does with a judged run, as often as it is asked. */
export type AfterJudging = { readonly page: RunReport } | { readonly certificate: string };

/** A thread that reads a history, and what it says first. */
interface Reading {
  readonly worker: Worker;
  readonly report: Promise<CheckReport | undefined>;
}

/** Judging this many operations takes half a second: a signal can wait that long. */
const SHORT_RUN = 300_000;

const WORKER = new URL('./judge-thread.js', import.meta.url);

/**
 * Judges a long run in its own thread, since signals are handled only while the main thread is idle. The thread reads
 * the history from its files, or from its one file while it is written, and keeps it until it is closed. Of one run. An
 * abort of `signal` ends it.
 */
export class JudgeThread implements JudgeApart {
  readonly above: number;
  readonly #signal: AbortSignal;
  readonly #program: URL;
  #worker: Worker | undefined;
  #followed: Reading | undefined;
  /** Why the thread has ended by itself. */
  #failure: unknown;

  constructor(signal: AbortSignal, { above = SHORT_RUN, program = WORKER } = {}) {
    this.above = above;
    this.#signal = signal;
    this.#program = program;
  }

  follow(file: string): void {
    this.#followed = this.#start({ files: [file], isGrowing: true });
  }

  /** Rejects with ENVIRONMENT_FAILED if the thread lacked memory, also while it followed the run. */
  judge(files: readonly string[], by: JudgedBy): Promise<CheckReport | undefined> {
    const { worker, report } = this.#followed ?? this.#start({ files, isGrowing: false });
    const end = () => void worker.terminate();
    this.#signal.addEventListener('abort', end, { once: true }); // a run interrupted earlier is still judged
    worker.once('exit', () => this.#signal.removeEventListener('abort', end));
    worker.postMessage({ by } satisfies JudgeTask);
    return report;
  }

  /** The page of the last judged run. Throws INTERRUPTED if a signal has ended the thread. */
  async draw(report: RunReport): Promise<string> {
    const html = await this.#ask<string>({ page: report });
    if (html !== undefined) return html;
    throw new OpenclawError(
      'INTERRUPTED',
      `interrupted; to write it: openclaw-rl report ${report.folder} --html`,
    );
  }

  /** Writes the certificate of the last judged run. Throws ENVIRONMENT_FAILED, and INTERRUPTED if a signal ended the thread. */
  async certify(path: string): Promise<void> {
    const written = await this.#ask<{ readonly failure?: string }>({ certificate: path });
    if (written?.failure !== undefined)
      throw environmentFailed(written.failure, 'free disk space, and run it again');
    if (written !== undefined) return;
    await dropUnfinished(path);
    throw new OpenclawError('INTERRUPTED', `interrupted: ${path} was not written`);
  }

  async #ask<Answer>(task: AfterJudging): Promise<Answer | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const worker = this.#worker;
    const answer = worker && this.#answerOf<Answer>(worker);
    worker?.postMessage(task);
    return answer;
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(workerData: HistoryToJudge): Reading {
    const worker = new Worker(this.#program, { workerData });
    this.#worker = worker;
    worker.once('error', (error) => {
      this.#failure = withWayOut(error, workerData); // also between two questions
    });
    worker.once('exit', () => {
      this.#worker = undefined;
    });
    const report = this.#answerOf<CheckReport>(worker);
    report.catch(() => {}); // a failure before it is judged is that of `judge`
    return { worker, report };
  }

  #answerOf<Answer>(worker: Worker): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', () => reject(this.#failure));
      worker.once('exit', () => {
        if (this.#signal.aborted) resolve(undefined);
        else reject(new Error('the thread that judges has ended')); // a mistake of ours
      });
    });
  }
}

/** Lack of memory is no mistake of ours, and the history of the run is kept. */
function withWayOut(error: unknown, { files }: HistoryToJudge): unknown {
  const scarcity = scarcityOf(error);
  if (scarcity === undefined) return error;
  return environmentFailed(
    `${scarcity.what} in the thread that judges the run: ${error instanceof Error ? error.message : error}`,
    `${scarcity.hint}; then judge its records: openclaw-rl check ${files.map(quotedForShell).join(' ')}`,
  );
}
