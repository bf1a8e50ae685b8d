import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REASONS } from '../../src/checker/findings/reasons/reasons.ts';
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

/** The reasons that planted bugs can have. */
const COLUMNS = REASONS.filter((reason) =>
  [...REASONED, ...BROKEN].some((specimen) => specimen.reason === reason),
);

/** The matrix of bugs and the reasons that their runs get. Throws if a reason is wrong, or a right one too seldom. */
function writeReasons(): string {
  const shown = REASONED.map(countReasons);
  const [named, convicted] = [sumOf(shown, 'right'), sumOf(shown, 'convicted')];
  expect(named / convicted).toBeGreaterThanOrEqual(0.9);
  const all = [...shown, ...BROKEN.map(countReasons)];
  expect(all.filter(({ wrong }) => wrong > 0)).toEqual([]);
  return [
    '',
    '## Reasons',
    '',
    `The reason that a report names, by [its code](../verdict.md#which-defect-is-it): of ${SEEDS.length} runs of ${MOST} operations for`,
    'each bug, how many are convicted, and how many of these name which reason. The first bugs run under circumstances in',
    `which their histories show the defect: short intervals, buckets of five tokens or more. ${named} of ${convicted} of those`,
    `(${((100 * named) / convicted).toFixed(1)}%) name the right reason. The others run under all that seeds draw, also where`,
    'replies take as long as ten tokens: there, most are silent. No run names a wrong reason, and no run of the six correct',
    `limiters names any, in ${countCorrect()} operations.`,
    '',
    `| bug | its reason | convicted | ${COLUMNS.join(' | ')} | none |`,
    `| ${Array.from({ length: COLUMNS.length + 4 }, () => '---').join(' | ')} |`,
    ...all.map(({ cells }) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

function sumOf<K extends string>(rows: readonly Record<K, number>[], key: K): number {
  return rows.reduce((sum, row) => sum + row[key], 0);
}

function countReasons(specimen: Specimen) {
  const accusations = SEEDS.map((seed) => accuse(specimen, seed, MOST)).filter(isConvicted);
  const reasons = accusations.map(reasonsOf);
  const counts = COLUMNS.map((column) => reasons.filter((some) => some.includes(column)).length);
  return {
    name: specimen.name,
    convicted: accusations.length,
    right: reasons.filter((some) => some.some((one) => one === specimen.reason)).length,
    wrong: reasons.filter((some) => some.some((one) => one !== specimen.reason)).length,
    cells: [
      specimen.name,
      specimen.reason ?? '',
      accusations.length,
      ...counts.map((count) => (count === 0 ? '' : count)),
      reasons.filter((some) => some.length === 0).length,
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
