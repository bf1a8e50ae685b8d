import { expect, it } from 'vitest';
import type { Matrix, MatrixCell } from '../../src/report/matrix.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { logSoak } from '../support/soak-log.ts';

/** All ten, or as the environment has it: `OPENCLAW_SOAK_SEEDS=9,10`. */
const SEEDS = (process.env.OPENCLAW_SOAK_SEEDS ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);

/** Where state or clocks are broken on purpose; elsewhere nothing may be given away. */
const GIVES_AWAY = ['restart-empty', 'node-clock'];

/** `active-active` declares its worst window, which is not 0 in a healthy cluster either. */
it.each([
  { strategy: 'lease', gives: GIVES_AWAY },
  { strategy: 'acked', gives: GIVES_AWAY },
  { strategy: 'active-active', gives: 'everywhere' },
])('$strategy keeps what it declares in every scenario', async ({ strategy, gives }) => {
  const cells: MatrixCell[] = [];
  for (const seed of SEEDS) {
    const folder = testFolder();
    expect((await runCli(['up', '--name', 'matrix'], { cwd: folder })).code).toBe(0);
    const { stdout, stderr } = await runCli(
      ['matrix', '--strategy', strategy, '--seed', String(seed), '--json'],
      { cwd: folder },
    );
    expect(stdout, stderr).not.toBe('');
    const matrix: Matrix = JSON.parse(stdout);
    for (const cell of matrix.cells) {
      cells.push(cell);
      expect.soft(cell.status, JSON.stringify(cell)).not.toBe('above');
      if (gives !== 'everywhere' && !gives.includes(cell.scenario))
        expect.soft(cell.figures?.excess.measured ?? 0, JSON.stringify(cell)).toBe(0);
    }
    await runCli(['down', '--all'], { cwd: folder });
    expect(processesMentioning(folder)).toEqual([]);
    log(strategy, cells);
  }
});

function log(strategy: string, cells: readonly MatrixCell[]): void {
  const scenarios = [...new Set(cells.map(({ scenario }) => scenario))];
  logSoak(`${strategy} in every scenario, seeds ${SEEDS.join(', ')}`, [
    'Excess of the bucket with the least room below its bound; `unknown`: too little evidence, as where a cut leaves too few buckets to contest.',
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
