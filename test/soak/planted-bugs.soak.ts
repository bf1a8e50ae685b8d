import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BROKEN } from '../unit/planted/broken.ts';
import { CORRECT } from '../unit/planted/correct.ts';
import type { Specimen } from '../unit/planted/limiter.ts';
import { REASONED } from '../unit/planted/reasoned.ts';
import { accuse, checkersOf, isConvicted, reasonsOf } from '../unit/planted/verdict.ts';

const FILE = join(import.meta.dirname, '../../docs/results/planted-bugs.md');
const SEEDS = Array.from({ length: 40 }, (_, at) => at + 1);
const MOST = 4_096;

it('every planted bug is found; docs/results/planted-bugs.md has the checker and the number of operations', () => {
  const rows = BROKEN.map(rowOf);
  writeFileSync(FILE, `${HEAD}${rows.join('\n')}\n${writeReasons()}`);
});

const HEAD = `# Planted bugs

Written by \`npm run soak\`: limiters that are each broken in one known way, run in virtual time under what 40
seeds draw (policies, costs, concurrency, lost replies, retries, starts in mid-traffic), and judged. *Convicting*
says in how many of the 40 runs of ${MOST} operations each checker convicts; where a bug cannot show, as with a
lost write that no client had waited for, it is right not to. *After* is the fewest operations after which any checker
convicts, doubling from 2: in the best run, and in the middle one of those that convict. So [a pass does not mean](../verdict.md#what-does-a-pass-not-mean)
that a limiter is correct.

| bug | over-admission | false denial | replay | any | after, best | after, middle | seed of the best |
| --- | --- | --- | --- | --- | --- | --- | --- |
`;

function rowOf(specimen: Specimen): string {
  const accusations = SEEDS.map((seed) => ({ seed, accusation: accuse(specimen, seed, MOST) }));
  const convicted = accusations.filter(({ accusation }) => isConvicted(accusation));
  expect(convicted.length, specimen.name).toBeGreaterThan(0);
  const firsts = convicted
    .map(({ seed }) => ({ seed, after: firstConviction(specimen, seed) }))
    .sort((a, b) => a.after - b.after);
  const by = (checker: string) =>
    accusations.filter(({ accusation }) => checkersOf(accusation).includes(checker)).length;
  return `| ${[
    specimen.name,
    by('over-admission'),
    specimen.splits ? 'declared' : by('false denial'),
    by('replay'),
    convicted.length,
    firsts[0]?.after,
    firsts[firsts.length >> 1]?.after,
    firsts[0]?.seed,
  ].join(' | ')} |`;
}

function firstConviction(specimen: Specimen, seed: number): number {
  for (let count = 2; count < MOST; count *= 2) if (isConvicted(accuse(specimen, seed, count))) return count;
  return MOST;
}

/** The share of bugs with their right reason, by circumstances. Throws if a reason is wrong, or a right one too seldom. */
function writeReasons(): string {
  const rows = [...REASONED, ...BROKEN].map(countReasons);
  const withReason = rows.filter(({ reason }) => reason !== undefined);
  const [named, convicted] = [sumOf(withReason, 'named'), sumOf(withReason, 'shown')];
  expect(named / convicted).toBeGreaterThanOrEqual(0.9);
  expect(rows.filter(({ wrong }) => wrong > 0)).toEqual([]);
  return [
    '',
    '## Reasons',
    '',
    `How often a report names the right reason, by [its code](../verdict.md#which-defect-is-it), in runs of ${MOST} operations that are`,
    `convicted. The rules were tuned on the seeds 1 to 40 and looked at on 41 to 90; these are the seeds ${FRESH[0]} to ${FRESH.at(-1)}. *Shown* are runs whose`,
    'circumstances show the defect: buckets of two tokens or more, and either replies that say their level or requests of',
    'at most a tenth of the time of a token, which is 10 ms or more, none sent twice unseen, at most one in a hundred lost. Some',
    'defects are shown by one of the two only: it is in the table. All other runs are *others*, also where replies take as',
    `long as ten tokens. Of those shown, ${named} of ${convicted} (${((100 * named) / convicted).toFixed(1)}%) name the right reason. No run names a wrong one, and`,
    `no run of the six correct limiters names any, in ${countCorrect()} operations. A bug without a reason is one that no`,
    'rule tells from others.',
    '',
    '| bug | its reason | shown by | shown: named of convicted | others: named of convicted | wrong |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ cells }) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

/** Seeds that no rule was written with. */
const FRESH = Array.from({ length: 40 }, (_, at) => at + 1_001);

function sumOf<K extends string>(rows: readonly Record<K, number>[], key: K): number {
  return rows.reduce((sum, row) => sum + row[key], 0);
}

function countReasons(specimen: Specimen) {
  const { name, reason, shownBy = 'levels or decisions' } = specimen;
  const runs = FRESH.map((seed) => accuse(specimen, seed, MOST))
    .filter(isConvicted)
    .map((accusation) => ({ isShown: accusation.isShown === true, reasons: reasonsOf(accusation) }));
  const namedOf = (some: typeof runs) =>
    some.filter(({ reasons }) => reasons.some((one) => one === reason)).length;
  const shown = runs.filter(({ isShown }) => isShown);
  const others = runs.filter(({ isShown }) => !isShown);
  const wrong = runs.filter(({ reasons }) => reasons.some((one) => one !== reason)).length;
  const share = (some: typeof runs) => (some.length === 0 ? '' : `${namedOf(some)} of ${some.length}`);
  return {
    reason,
    named: namedOf(shown),
    shown: shown.length,
    wrong,
    cells: [
      name,
      reason ?? '',
      reason === undefined ? '' : shownBy,
      ...(reason === undefined ? ['', ''] : [share(shown), share(others)]),
      wrong,
    ],
  };
}

/** A million operations of correct limiters: the number of operations. */
function countCorrect(): number {
  let operations = 0;
  for (const specimen of CORRECT)
    for (let seed = 1; seed <= CORRECT_RUNS; seed++) {
      const accusation = accuse(specimen, seed, MOST);
      expect({ name: specimen.name, seed, reasons: reasonsOf(accusation) }).toEqual({
        name: specimen.name,
        seed,
        reasons: [],
      });
      operations += accusation.report.sent;
    }
  expect(operations).toBeGreaterThan(1_000_000);
  return operations;
}

const CORRECT_RUNS = 50;
