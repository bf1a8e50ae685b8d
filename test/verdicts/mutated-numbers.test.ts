import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Told } from './numbers/worker.ts';

const HISTORIES = Number(process.env.MUTATED_HISTORIES ?? 4_000);
/** For a history of at most 200 requests, on a machine that has much else to do. */
const LONGEST_MS = 60_000;

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-numbers-'));
  await build({
    entryPoints: [join(import.meta.dirname, 'numbers/worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(folder, 'worker.mjs'),
    logLevel: 'error',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(
  'a history with any numbers has a verdict or is refused by name, within its time',
  async () => {
    const { answers, wrong } = await judgeAll(1, HISTORIES);
    expect(wrong).toEqual([]);
    expect([...answers.keys()].toSorted()).toEqual(
      expect.arrayContaining(['INVALID_HISTORY', 'fail', 'pass', 'unknown']),
    );
  },
  900_000 + HISTORIES,
);

/** In a thread of its own, which is ended when one history takes too long: the next ones are judged by another. */
async function judgeAll(from: number, to: number) {
  const answers = new Map<string, number>();
  const wrong: Told[] = [];
  for (let next = from; next <= to && wrong.length < 20; ) {
    const { reached, why } = await judgeFrom(next, to, (message) => {
      if (message.answer !== undefined) answers.set(message.answer, (answers.get(message.answer) ?? 0) + 1);
      if (message.wrong !== undefined) wrong.push(message);
    });
    if (why !== undefined) wrong.push({ seed: reached, wrong: why });
    next = reached + 1;
  }
  return { answers, wrong };
}

async function judgeFrom(from: number, to: number, take: (message: Told) => void) {
  const worker = new Worker(join(folder, 'worker.mjs'), {
    workerData: { from, to },
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  let reached = from;
  let why: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      why = `no answer after ${LONGEST_MS} ms`;
      void worker.terminate();
    }, LONGEST_MS);
  };
  wait();
  worker.on('message', (message: Told) => {
    if (message.seed !== reached) wait();
    reached = message.seed;
    take(message);
  });
  worker.on('error', (error) => {
    why = String(error);
  });
  await new Promise((resolve) => worker.once('exit', resolve));
  clearTimeout(timer);
  return { reached: why === undefined ? to : reached, why };
}
