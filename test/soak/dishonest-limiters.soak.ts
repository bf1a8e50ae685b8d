import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CORRECT } from '../unit/planted/correct.ts';
import { DISHONEST, type DishonestSpecimen } from '../unit/planted/dishonest.ts';
import { accuseHonest, accuseOfLies } from '../unit/planted/stated-verdict.ts';
import { accuseHonestWindows, WINDOW_PROMISES } from '../unit/planted/stated-windows.ts';

const FILE = join(import.meta.dirname, '../../docs/results/dishonest-limiters.md');
const OPERATIONS = 4_096;
const SEEDS = Array.from({ length: 40 }, (_, at) => at + 1);
/** Of each correct limiter: together more than a million operations. */
const HONEST_SEEDS = Array.from({ length: 50 }, (_, at) => at + 1);

it('dishonest limiters are convicted and honest ones are not; docs/results/dishonest-limiters.md has the figures', () => {
  const honest = [...CORRECT.map(honestBucketRow), ...WINDOW_PROMISES.map(honestWindowRow)];
  const rows = DISHONEST.map(rowOf);
  writeFileSync(FILE, `${HEAD}${rows.join('\n')}\n\n${HONEST}${honest.join('\n')}\n`);
});

const HEAD = `# Dishonest limiters

Written by \`npm run soak -- dishonest-limiters\`: limiters that decide like an ideal bucket and state one thing wrongly, in
virtual time, under what ${SEEDS.length} seeds draw (policies, costs, concurrency, lost replies, retries, starts in mid-traffic,
clocks that drift), with ${OPERATIONS} operations each. *Convicted* counts the runs with a finding for the right
[reason](../verdict.md#is-it-true-what-the-limiter-states), *another reason* those without it and with another finding. *Values* are
the wrong values that were found, of all decisions that stated something. A run does not convict where the wrong value
may be true: a Retry-After of 0 where a request takes longer than a token.

| states | reason | convicted | another reason | values |
| --- | --- | --- | --- | --- |
`;

const HONEST = `## Honest ones

The same circumstances, and those where the limiter's clock was not read. Levels are rounded up or down, waits up to whole
seconds; resets and policies come in all their forms. The windows are of limiters that keep their promise.

| limiter | operations | decisions that stated something | wrong values found |
| --- | --- | --- | --- |
`;

function rowOf(specimen: DishonestSpecimen): string {
  const accused = SEEDS.map((seed) => accuseOfLies(specimen, seed, OPERATIONS));
  const convicted = accused.filter(({ reasons }) => reasons.includes(specimen.reason)).length;
  const others = accused.filter(
    ({ reasons }) => reasons.length > 0 && !reasons.includes(specimen.reason),
  ).length;
  const allowed = new Set([specimen.reason, ...(specimen.others ?? [])]);
  expect(convicted, specimen.name).toBeGreaterThan(0);
  expect(
    accused.flatMap(({ reasons }) => reasons.filter((reason) => !allowed.has(reason))),
    specimen.name,
  ).toEqual([]);
  const lies = accused.reduce((sum, { report }) => sum + report.dishonest.total, 0);
  const stated = accused.reduce((sum, { report }) => sum + report.whole.stated, 0);
  return `| ${specimen.name} | ${specimen.reason} | ${convicted} | ${others} | ${lies} of ${stated} |`;
}

function honestBucketRow(specimen: (typeof CORRECT)[number]): string {
  const count = { operations: 0, stated: 0 };
  for (const seed of HONEST_SEEDS) {
    const { report, reasons } = accuseHonest(specimen, seed, OPERATIONS);
    expect({ name: specimen.name, seed, reasons }).toEqual({ name: specimen.name, seed, reasons: [] });
    count.operations += report.sent;
    count.stated += report.whole.stated;
  }
  return `| ${specimen.name} | ${count.operations} | ${count.stated} | 0 |`;
}

function honestWindowRow({ promise }: (typeof WINDOW_PROMISES)[number], index: number): string {
  const count = { operations: 0, stated: 0 };
  for (const seed of HONEST_SEEDS) {
    const { report, reasons } = accuseHonestWindows(index, seed, OPERATIONS);
    expect({ promise, seed, reasons }).toEqual({ promise, seed, reasons: [] });
    count.operations += report.sent;
    count.stated += report.whole.stated;
  }
  return `| windows of ${promise} | ${count.operations} | ${count.stated} | 0 |`;
}
