import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan, PlannedFault } from '../scenario/plan.ts';
import {
  evidenceClaims,
  keptCell,
  type Matrix,
  type MatrixCell,
  makeCell,
  matrixVerdict,
  refusedCell,
} from './matrix.ts';
import { matrixNotes, matrixSummary, matrixTable, renderMatrixMarkdown } from './matrix-text.ts';
import type { RunReport } from './report.ts';
import { parseReport } from './schema.ts';

const FIXTURE = join(import.meta.dirname, '../../test/fixtures/runs/central/report.json');
const central = parseReport(readFileSync(FIXTURE, 'utf8'), 'central');

const shardWith = (tokens: number, totalExcess: number | null | undefined): RunReport['shards'][number] => {
  const [shard] = central.shards;
  if (shard === undefined) throw new Error('the fixture has no shard');
  const { bound: _, ...rest } = shard;
  return {
    ...rest,
    largestExcess: { bucket: 'u1', tokens },
    worstWindow: { bucket: 'u1', tokens: tokens / 2 },
    ...(totalExcess !== undefined && { bound: { totalExcess, worstWindow: 7, formula: '' } }),
  };
};
const withShards = (...shards: RunReport['shards']): RunReport => ({ ...central, shards });

const cut = (shape: object): PlannedFault =>
  ({ fault: 'partition', mode: 'refuse', atMs: 0, forMs: 1, ...shape }) as PlannedFault;
const sidesWith = (...faults: PlannedFault[]) =>
  makeCell({ ...central, plan: { ...central.plan, faults } }).figures?.availability.map(
    ({ regions }) => regions,
  );

describe('a cell of the matrix', () => {
  it.each([
    { title: 'the largest', shards: [shardWith(3, 20), shardWith(19, 20)], excess: 19, status: 'within' },
    {
      title: 'not one of nothing',
      shards: [shardWith(0, 0), shardWith(12, 15)],
      excess: 12,
      status: 'within',
    },
    { title: 'equal to it', shards: [shardWith(20, 20)], excess: 20, status: 'within' },
    { title: 'beyond it', shards: [shardWith(3, 20), shardWith(2, 1)], excess: 2, status: 'above' },
    {
      title: 'beyond it, next to an undeclared bound',
      shards: [shardWith(30, undefined), shardWith(25, 20)],
      excess: 25,
      status: 'above',
    },
    {
      title: 'where nothing is declared',
      shards: [shardWith(15, 20), shardWith(4, undefined)],
      excess: 4,
      status: 'undeclared',
    },
  ])('holds the excess against the bound: $title', ({ shards, excess, status }) => {
    const cell = makeCell(withShards(...shards));
    expect([cell.figures?.excess.measured, cell.status]).toEqual([excess, status]);
  });

  it('holds the worst window against the bound of a strategy that declares no total', () => {
    const cell = makeCell(withShards(shardWith(15, null)));
    expect(cell.figures?.excess).toEqual({ of: 'window', measured: 7.5, declared: 7 });
    expect(cell.status).toBe('above');
  });

  it('says what is not proved, unless it is guilty all the same', () => {
    const claims = [{ ...central.claims[0], verdict: 'unknown', reason: 'too few' }] as RunReport['claims'];
    const unproved = { ...central, verdict: 'unknown', claims } as const;
    expect(makeCell({ ...unproved, shards: [shardWith(0, 0)] })).toMatchObject({
      status: 'unknown',
      reason: 'too few',
    });
    expect(makeCell({ ...unproved, shards: [shardWith(1, 0)] })).toMatchObject({
      status: 'above',
      reason: '',
    });
  });

  it('has the sides of what was cut, each with the regions that still reach each other', () => {
    const regions = ['us-east', 'eu-west', 'ap-south'];
    expect(central.plan.topology.regions).toEqual(regions);
    expect(sidesWith()).toEqual([regions]);
    expect(sidesWith(cut({ isolate: ['eu-west'] }))).toEqual([['eu-west'], ['us-east', 'ap-south']]);
    expect(sidesWith(cut({ split: [['us-east'], ['eu-west', 'ap-south']] }))).toEqual([
      ['us-east'],
      ['eu-west', 'ap-south'],
    ]);
    expect(sidesWith(cut({ bridge: ['us-east', 'eu-west'] }))).toEqual([
      ['us-east'],
      ['eu-west'],
      ['ap-south'],
    ]);
    expect(sidesWith(cut({ from: ['eu-west'], to: ['us-east', 'ap-south'] }))).toEqual([
      ['eu-west'],
      ['us-east', 'ap-south'],
    ]);
  });

  it('counts what was decided on a side while it was cut, and no other time', () => {
    const [first] = central.cells;
    if (first === undefined) throw new Error('the fixture has no cell');
    const cell = (phase: string, region: string, allowed: number, failed: number) => ({
      ...first,
      ...{ phase, region, operations: allowed + failed },
      outcomes: { allowed, denied: 0, failed, info: 0 },
    });
    const cells = [
      cell('before', 'eu-west', 100, 0),
      cell('during partition', 'eu-west', 1, 3),
      cell('during partition', 'us-east', 5, 5),
      cell('during partition', 'ap-south', 10, 0),
      cell('after partition', 'eu-west', 100, 0),
    ];
    const plan = { ...central.plan, faults: [cut({ isolate: ['eu-west'] })] };
    const shares = makeCell({ ...central, plan, cells }).figures?.availability.map(({ share }) => share);
    expect(shares).toEqual([0.25, 0.75]);
  });

  it('has Redis calls per decision where they were counted', () => {
    const outcomes = { allowed: 30, denied: 10, failed: 5, info: 5 };
    expect(makeCell({ ...central, outcomes, redisCalls: 10 }).figures?.redisCallsPerDecision).toBe(0.25);
    expect(makeCell({ ...central, outcomes }).figures?.redisCallsPerDecision).toBeNull();
  });
});

describe('a run that was kept', () => {
  const { plan } = central;
  const claims = [{ ...central.claims[0], verdict: 'unknown', reason: 'too few' }] as RunReport['claims'];
  const unproved = { ...withShards(shardWith(0, 0)), verdict: 'unknown', claims } as const;
  const simulated = { ...central, simulated: true } as const;
  const wanted = { plan, program: '1.0', again: false };
  const otherOrder = Object.fromEntries(Object.entries(plan).reverse()) as unknown as Plan;

  it.each([
    { title: 'is the cell of the same plan', report: central, want: {}, isCell: true },
    {
      title: 'is a cell in any order of keys',
      report: central,
      want: { plan: otherOrder },
      isCell: true,
    },
    { title: 'is of another seed', report: central, want: { plan: { ...plan, seed: 99 } }, isCell: false },
    { title: 'is of another program', report: central, want: { program: '1.1' }, isCell: false },
    { title: 'had too little evidence', report: unproved, want: {}, isCell: true },
    { title: 'is made again for more evidence', report: unproved, want: { again: true }, isCell: false },
    { title: 'had enough evidence', report: central, want: { again: true }, isCell: true },
    { title: 'was not simulated', report: central, want: { simulated: true }, isCell: false },
    { title: 'was simulated', report: simulated, want: {}, isCell: false },
    { title: 'was simulated as is wanted', report: simulated, want: { simulated: true }, isCell: true },
  ])('$title', ({ report, want, isCell }) => {
    const cell = keptCell({ program: '1.0', report }, { ...wanted, ...want });
    expect(cell).toEqual(isCell ? makeCell(report) : undefined);
  });

  it('is missing where there is none', () => expect(keptCell(undefined, wanted)).toBeUndefined());

  it('is judged by what its scenario claims of evidence', () => {
    const own = ['total-excess <= bound', 'info <= 5%', ' contested >= 50%', 'false-denials <= 0'];
    expect(evidenceClaims({ ...plan, claims: own })).toEqual(['info <= 5%', ' contested >= 50%']);
  });
});

describe('the verdict of a matrix', () => {
  it.each<{ statuses: MatrixCell['status'][]; verdict: string }>([
    { statuses: ['within', 'undeclared', 'refused'], verdict: 'pass' },
    { statuses: ['within', 'unknown'], verdict: 'unknown' },
    { statuses: ['unknown', 'above', 'within'], verdict: 'fail' },
    { statuses: ['refused', 'refused'], verdict: 'unknown' },
  ])('of $statuses is $verdict', ({ statuses, verdict }) => {
    const cells = statuses.map((status) => ({ ...makeCell(central), status }));
    expect(matrixVerdict(cells)).toBe(verdict);
  });
});

describe('the matrix', () => {
  const matrix: Matrix = {
    ...{ format: 'openclaw-matrix', version: 1, program: 'openclaw-rl 0', command: 'openclaw-rl matrix' },
    seeds: [1],
    cells: [
      makeCell(withShards(shardWith(3, 20))),
      { ...makeCell(withShards(shardWith(21, 20))), scenario: 'harder' },
      refusedCell('<img>', { strategy: 'acked', reason: 'it | needs\u001b[2J replicas' }),
    ],
  };

  it('has a row for each cell, and says below why one has no figures', () => {
    const { head, rows } = matrixTable(matrix);
    expect(rows.map((row) => [row[0], row[1], row[2], row[4]])).toEqual([
      [central.plan.scenario, 'central', '3', 'within'],
      ['harder', 'central', '21', 'above'],
      ['<img>', 'acked', '', 'refused'],
    ]);
    for (const row of rows) expect(row).toHaveLength(head.length);
    expect(matrixNotes(matrix)).toEqual(['<img> by acked: refused: it | needs\\u001b[2J replicas']);
  });

  it('says of each cell, and of each sum, whether it was simulated', () => {
    const cells = matrix.cells.map((cell) => ({ ...cell, simulated: true as const }));
    for (const row of matrixTable({ ...matrix, cells }).rows) expect(row[4]).toMatch(/^\w+, simulated$/);
    const sums = matrixSummary({ ...matrix, cells }).rows.map((row) => row[2]);
    expect(sums).toEqual(['1 within, 1 above, simulated', '1 refused, simulated']);
    for (const { rows } of [matrixTable(matrix), matrixSummary(matrix)])
      expect(rows.flat().join()).not.toContain('simulated');
  });

  it('sums each strategy up', () => {
    const { head, rows } = matrixSummary(matrix);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ['central', '2', '1 within, 1 above', '21 (harder)'],
      ['acked', '0', '1 refused', ''],
    ]);
    for (const row of rows) expect(row).toHaveLength(head.length);
  });

  it('is Markdown in which nothing that others named is markup', () => {
    const text = renderMatrixMarkdown(matrix);
    expect(text).toMatch(/^# Strategies and scenarios\n/);
    expect(text).toContain('&lt;img&gt; by acked: refused: it \\| needs');
    expect(text).not.toContain('<img');
    expect(text).not.toContain('\u001b');
  });
});
