import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BROKEN } from '../unit/planted/broken.ts';
import type { Specimen } from '../unit/planted/limiter.ts';
import { accuse, checkersOf, isConvicted } from '../unit/planted/verdict.ts';

const FILE = join(import.meta.dirname, '../../docs/results/planted-bugs.md');
const SEEDS = Array.from({ length: 40 }, (_, at) => at + 1);
const MOST = 4_096;

it('every planted bug is found; docs/results/planted-bugs.md has the checker and the number of operations', () => {
  const rows = BROKEN.map(rowOf);
  writeFileSync(FILE, `${HEAD}${rows.join('\n')}\n`);
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
