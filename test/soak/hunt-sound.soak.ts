import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import type { HuntDocument } from '../../src/hunt/hunt-document.ts';
import { startCli } from '../support/cli.ts';
import { logSoak } from '../support/soak-log.ts';

// Goes on in the same folder where the last sitting ended:
//   SITTING_MIN=50 nice -n 10 npm run soak -- test/soak/hunt-sound.soak.ts
// A journal holds for one state of the model and of the draws: after a change of them remove it, or choose another folder.
const SCHEDULES = Number(process.env.SCHEDULES ?? 100_000);
const SEED = Number(process.env.SEED ?? 1);
const STRATEGIES = (process.env.STRATEGIES ?? 'lease,acked').split(',');
/** Minutes of one sitting for each strategy. Default: to the end. */
const SITTING_MIN = Number(process.env.SITTING_MIN ?? 100_000);
const FOLDER = resolve(process.env.OPENCLAW_SOAK_FOLDER ?? 'reports/hunt-sound');
const WORKERS = process.env.WORKERS ?? '1';

it.each(STRATEGIES)(
  '%s admits no more than its bound in any schedule of a hunt',
  { timeout: 2 ** 31 - 1 },
  async (strategy) => {
    const folder = join(FOLDER, `${strategy}-${SEED}`);
    const before = linesOf(folder);
    const { code, stderr } = await hunt(strategy, folder);
    const tried = linesOf(folder);
    if (code === 130)
      throw new Error(`${tried} of ${SCHEDULES} schedules are in ${folder}, ${before} before: go on`);
    const again = await hunt(strategy, folder); // all is in the journal: how long does it take to resume?
    const { failed, worst, restarts, elapsedMs } = documentIn(folder, stderr);
    const [first] = worst;
    logSoak(`hunt for excess of ${strategy}, seed ${SEED}`, [
      `${tried} different schedules with outcomes of ${SCHEDULES}, ${restarts} restarts, in ${(elapsedMs / 3_600_000).toFixed(1)} h; ${failed.length} of at most 10 listed without.`,
      `The largest excess is ${first?.outcome.excess.toFixed(2)} tokens of ${first?.outcome.bound} that ${strategy} declares, with ${first?.faults.join(', ')}.`,
      `The journal has ${(statSync(journalIn(folder)).size / 1e6).toFixed(0)} MB. The same command again: ${(again.ms / 1_000).toFixed(0)} s, exit code ${again.code}, *${again.stdout
        .trim()
        .split('\n')
        .findLast((line) => line.includes('schedules'))
        ?.trim()}*.`,
    ]);
    expect(worst.filter(({ isFound }) => isFound)).toEqual([]);
    expect([code, again.code], stderr).toEqual(failed.length > 0 ? [2, 2] : [0, 0]);
  },
);

/** One process; a sitting that is over ends it by Ctrl-C. */
async function hunt(strategy: string, folder: string) {
  const startedMs = performance.now();
  const args = [
    'hunt',
    '--strategy',
    strategy,
    '--seed',
    `${SEED}`,
    '--schedules',
    `${SCHEDULES}`,
    '--no-confirm',
  ];
  const { child, output, ended } = startCli([...args, '--workers', WORKERS, '--folder', folder], {
    cwd: resolve('.'),
  });
  const sitting = setTimeout(() => child.kill('SIGINT'), Math.min(2 ** 31 - 1, SITTING_MIN * 60_000));
  const code = await ended;
  clearTimeout(sitting);
  return { code, ...output, ms: performance.now() - startedMs };
}

function documentIn(folder: string, said: string): HuntDocument {
  const path = join(folder, 'hunt.json');
  if (!existsSync(path)) throw new Error(`no result in ${folder}: ${said}`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

const journalIn = (folder: string) => join(folder, 'journal.ndjson');

/** Schedules with an outcome. */
function linesOf(folder: string): number {
  const path = journalIn(folder);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 2 : 0;
}
