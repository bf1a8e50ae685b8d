import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scenarioFile, scenarioNames } from '../../src/cli/files/scenario-names.ts';
import type { Matrix, MatrixCell } from '../../src/report/matrix.ts';
import { runCli } from '../support/cli.ts';
import { clusterFolder } from '../support/cli-cluster.ts';
import { processesMentioning } from '../support/processes.ts';
import { logSoak } from '../support/soak-log.ts';

/** All ten, or those of the environment: `OPENCLAW_SOAK_SEEDS=9,10`. */
const SEEDS = (process.env.OPENCLAW_SOAK_SEEDS ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);
/** From the environment: `OPENCLAW_SOAK_SCENARIOS=lease-partition`. */
const ASKED = process.env.OPENCLAW_SOAK_SCENARIOS?.split(',');

type Status = MatrixCell['status'];

/** Scenarios that break state or clocks on purpose; in all others these strategies give nothing away. */
const BROKEN = ['restart-empty', 'node-clock'];
const ACKED = {
  where: 'every scenario but those of failure policies', // also those that are there for another strategy
  scenarios: ASKED ?? (await allButFailurePolicies()),
  statusesIn: (): Status[] => ['within', 'unknown'], // a cut may leave too few buckets to contest
  mayGiveAway: (scenario: string) => BROKEN.includes(scenario),
};

/** Declares its worst window, which is above 0 also in a healthy cluster, and no bound if a region lost its state. */
const PER_REGION_BUCKET = {
  where: 'the scenarios of a matrix',
  scenarios: ASKED,
  statusesIn: (scenario: string): Status[] => {
    if (scenario === 'failover-under-load') return ['refused']; // there is no replica to promote
    return ['kill-primary', ...BROKEN].includes(scenario) ? ['undeclared', 'within'] : ['within'];
  },
  mayGiveAway: () => true,
};

describe.each([
  { strategy: 'lease', ...ACKED },
  { strategy: 'acked', ...ACKED },
  { strategy: 'active-active', ...PER_REGION_BUCKET },
])('$strategy', ({ strategy, where, scenarios, statusesIn, mayGiveAway }) => {
  const cells: MatrixCell[] = [];

  it.each(SEEDS)('keeps its declared bound: seed %i', async (seed) => {
    const folder = clusterFolder();
    expect((await runCli(['up', '--name', 'matrix'], { cwd: folder })).code).toBe(0);
    const flags = ['matrix', '--strategy', strategy, '--seed', String(seed), '--json'];
    const only = scenarios === undefined ? [] : ['--scenario', ...scenarios];
    const { stdout, stderr } = await runCli([...flags, ...only], { cwd: folder });
    expect(stdout, stderr).not.toBe('');
    const matrix: Matrix = JSON.parse(stdout);
    expect(matrix.cells.length).toBeGreaterThanOrEqual(scenarios?.length ?? 10);
    for (const cell of matrix.cells) {
      cells.push(cell);
      const { scenario, status, figures } = cell;
      expect.soft(statusesIn(scenario), JSON.stringify(cell)).toContain(status);
      if (!mayGiveAway(scenario)) expect.soft(figures?.excess.measured, JSON.stringify(cell)).toBe(0);
    }
    await runCli(['down', '--all', '--yes'], { cwd: folder });
    expect(processesMentioning(folder)).toEqual([]);
    log(`${strategy} in ${ASKED?.join(', ') ?? where}`, cells);
  });
});

/** A failure policy admits by itself: its excess is not the strategy's. */
async function allButFailurePolicies(): Promise<string[]> {
  const names = await scenarioNames();
  return names.filter((name) => !/^onFailure:/m.test(readFileSync(scenarioFile(name), 'utf8')));
}

function log(what: string, cells: readonly MatrixCell[]): void {
  const scenarios = [...new Set(cells.map(({ scenario }) => scenario))];
  logSoak(`${what}, seeds ${SEEDS.join(', ')}`, [
    'The largest excess of a bucket, next to the bound declared for its shard; `unknown`: too little evidence, for example if a cut leaves too few buckets to contest.',
    '',
    '| scenario | runs | status | largest excess, tokens | declared then | least decided on a side | requests, median |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...scenarios.map((scenario) => {
      const runs = cells.filter((cell) => cell.scenario === scenario);
      return `| ${[scenario, ...rowOf(runs)].join(' | ')} |`;
    }),
  ]);
}

function rowOf(runs: readonly MatrixCell[]): string[] {
  const figures = runs.flatMap((cell) => (cell.figures === null ? [] : [cell.figures]));
  const worst = figures.toSorted((one, other) => other.excess.measured - one.excess.measured)[0]?.excess;
  const shares = figures.flatMap(({ availability }) => availability.flatMap(({ share }) => share ?? []));
  const requests = figures.map((one) => one.requests).sort((one, other) => one - other);
  const counts = (['within', 'undeclared', 'unknown', 'above', 'refused'] as const)
    .map((status) => [runs.filter((run) => run.status === status).length, status] as const)
    .filter(([count]) => count > 0);
  return [
    String(runs.length),
    counts.map(([count, status]) => `${count} ${status}`).join(', '),
    worst === undefined ? '' : worst.measured.toFixed(1),
    worst === undefined || worst.declared === null ? 'nothing' : worst.declared.toFixed(1),
    shares.length === 0 ? '' : `${(100 * Math.min(...shares)).toFixed(0)}%`,
    String(requests[requests.length >> 1] ?? 0),
  ];
}
