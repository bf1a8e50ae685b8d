import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { startCli, testFolder } from '../support/cli.ts';

const FILE = join(import.meta.dirname, '../../docs/results/planted-limiters.md');
const LIMITERS = join(import.meta.dirname, '../fixtures/limiters/planted');
const SEEDS = numbers('SEEDS', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
const USERS = numbers('USERS', [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
/** For the other two tables. */
const FEW_SEEDS = SEEDS.slice(0, 3);

interface PlantedRun {
  readonly limiter: string;
  /** What the defect needs, as the page says it. */
  readonly needs: string;
  readonly flags: string;
}

const CUT = 'chaos partition --isolate eu-west --topology single';
const LATE = `${CUT} --at 12s --for 8s`;
const POLICIES = 'bench --policy burst=20:5/s --policy long=60:2/s';
const OF_TOKENS = '--policy requests=20:5/s --policy tokens=60:40/s --cost requests=1 --cost tokens=1,10,30';

/** Each with flags that bring in what shows the defect, and default flags otherwise. */
const PLANTED: readonly PlantedRun[] = [
  { limiter: 'in-memory', needs: 'two regions', flags: 'bench' },
  {
    limiter: 'in-memory',
    needs: 'two instances',
    flags: 'bench --regions us-east --replicas 0 --instances 3',
  },
  { limiter: 'one-region-apart', needs: 'three regions', flags: 'bench' },
  { limiter: 'expires-early', needs: 'a rest', flags: 'bench' },
  { limiter: 'refills-double', needs: 'a rest', flags: 'bench' },
  { limiter: 'charges-one', needs: 'a cost', flags: 'bench --cost 1,5' },
  { limiter: 'large-costs-free', needs: 'a cost', flags: 'bench --cost 1,15' },
  { limiter: 'first-policy-only', needs: 'a second policy', flags: POLICIES },
  { limiter: 'second-charged-one', needs: 'costs of a second policy', flags: `bench ${OF_TOKENS}` },
  { limiter: 'refills-after-fault', needs: 'a return after a fault', flags: CUT },
  { limiter: 'open-after-fault', needs: 'a return after a fault', flags: CUT },
  { limiter: 'apart-after-fault', needs: 'a return after a fault', flags: CUT },
];

/** The same where the flags bring it in, and it can hardly or not be seen. */
const HIDDEN: readonly PlantedRun[] = [
  { limiter: 'charges-one', needs: 'a cost', flags: 'bench --cost 1,20' },
  {
    limiter: 'first-policy-only',
    needs: 'a second policy that is the stricter one',
    flags: 'bench --policy burst=20:5/s --policy even=21:5/s',
  },
  {
    limiter: 'first-policy-only',
    needs: 'a second policy that is the stricter one',
    flags: 'bench --policy burst=20:5/s --policy even=21:5/s --regions us-east --replicas 0',
  },
  { limiter: 'refills-after-fault', needs: 'a return after a fault', flags: LATE },
  { limiter: 'open-after-fault', needs: 'a return after a fault', flags: LATE },
  { limiter: 'apart-after-fault', needs: 'a return after a fault', flags: LATE },
];

/** Limiters that keep their promises, under the same flags. */
const INTACT: readonly PlantedRun[] = [
  ...['bench', 'bench --cost 1,5', 'bench --cost 1,15', CUT].map((flags) => ({
    limiter: 'intact',
    needs: '',
    flags,
  })),
  { limiter: 'all-policies', needs: '', flags: POLICIES },
];

it('no planted limiter passes; docs/results/planted-limiters.md has the verdicts', async () => {
  const tables = {
    planted: await rowsOf(PLANTED, SEEDS),
    hidden: await rowsOf(HIDDEN, FEW_SEEDS),
    intact: await rowsOf(INTACT, FEW_SEEDS),
  };
  writeFileSync(FILE, page(tables));
  const passed = [...tables.planted, ...tables.hidden].filter(({ verdicts }) => verdicts.pass > 0);
  expect(passed).toEqual([]);
  expect(tables.intact.filter(({ verdicts }) => verdicts.fail > 0)).toEqual([]);
}, 86_400_000);

interface Row extends PlantedRun {
  readonly verdicts: Record<'fail' | 'unknown' | 'pass', number>;
  /** The claims on evidence that did not hold, where nothing was convicted. */
  readonly lacking: readonly string[];
}

async function rowsOf(runs: readonly PlantedRun[], seeds: readonly number[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const run of runs) rows.push(await rowOf(run, seeds));
  return rows;
}

async function rowOf(run: PlantedRun, seeds: readonly number[]): Promise<Row> {
  const verdicts = { fail: 0, unknown: 0, pass: 0 };
  const lacking = new Set<string>();
  const open = seeds.flatMap((seed) => USERS.map((users) => ({ seed, users })));
  const work = async () => {
    for (let one = open.shift(); one !== undefined; one = open.shift()) {
      const { verdict, claims } = await judged(run, one);
      verdicts[verdict]++;
      process.stderr.write(
        `${run.limiter}, ${run.flags}, seed ${one.seed}, ${one.users} users: ${verdict}\n`,
      );
      const missing = claims.filter(({ status }) => status === 'unknown');
      if (verdict === 'unknown') for (const { claim } of missing) lacking.add(claim);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { ...run, verdicts, lacking: [...lacking].sort() };
}

async function judged({ limiter, flags }: PlantedRun, { seed, users }: { seed: number; users: number }) {
  const cwd = testFolder();
  const file = join(LIMITERS, `${limiter}.mjs`);
  const args = [...flags.split(' '), '--limiter', file, '--simulate', '--seed', `${seed}`];
  const { ended, output } = startCli([...args, '--users', `${users}`, '--json'], {
    cwd,
    onFinished: onTestFinished,
  });
  await ended;
  rmSync(join(cwd, 'reports'), { recursive: true });
  return JSON.parse(output.stdout) as RunReport;
}

function listed(numbers: readonly number[]): string {
  return numbers.join(', ');
}

function numbers(name: string, all: readonly number[]): readonly number[] {
  return process.env[name]?.split(',').map(Number) ?? all;
}

function page({ planted, hidden, intact }: Record<'planted' | 'hidden' | 'intact', readonly Row[]>): string {
  return `# Planted limiters

Written by \`npm run soak -- test/soak/planted-limiters.soak.ts\`: [simulated](../simulation.md) runs of limiters that are
each broken in one known way, with ${listed(USERS)} users each: ${SEEDS.length * USERS.length} runs of each line of the first table, by the seeds ${listed(SEEDS)}, and
${FEW_SEEDS.length * USERS.length} of the other two, by the seeds ${listed(FEW_SEEDS)}. All flags that are not shown have their defaults. The limiters are in
\`test/fixtures/limiters/planted\`. None may pass: it is convicted, or the verdict is \`unknown\` and names the missing
evidence. [What a pass excludes](../verdict.md#what-does-a-pass-exclude).

${table(planted)}

## Where the defect can hardly be seen

The same limiters, with flags that bring in what their defect needs, but too little or too late.

${table(hidden)}

## Limiters that keep their promises

Under the same flags. None may fail.

${table(intact)}
`;
}

function table(rows: readonly Row[]): string {
  return [
    '| limiter | needs | flags | fail | unknown | pass | evidence that was missing |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ limiter, needs, flags, verdicts: { fail, unknown, pass }, lacking }) =>
        `| ${[limiter, needs, `\`${flags}\``, fail, unknown, pass, lacking.map((claim) => `\`${claim}\``).join(', ')].join(' | ')} |`,
    ),
  ].join('\n');
}
