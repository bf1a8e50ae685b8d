import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding, WitnessLine } from '../../checker/findings/finding.ts';
import type { RunReport } from '../report.ts';
import { parseReport } from '../schema.ts';
import { makeScoreboardCell, notRunCell } from './make-cell.ts';

const FIXTURE = join(import.meta.dirname, '../../../test/fixtures/runs/central/report.json');
const central = parseReport(readFileSync(FIXTURE, 'utf8'), 'central');
const history = { sha256: 'ab'.repeat(32), bytes: 1_000, operations: 10 };

const line = (index: number): WitnessLine => ({
  ...{ operation: { file: 'history.ndjson', index }, region: 'eu-west', outcome: 'allowed', cost: 1 },
  ...{ invokedUs: 1_000_000 * index, lastUs: index === 0 ? null : 1_000_000 * index + 500_000 },
});

function finding(kind: Finding['kind'], tokens: number, operations = 2): Finding {
  const moment = { atUs: 1, operation: { file: 'history.ndjson', index: 1 }, tokens };
  return {
    ...{ kind, bucket: `ratings:${kind}`, count: 1, first: moment, worst: moment, last: moment },
    ...{
      inequality: `${kind} does not hold`,
      witness: Array.from({ length: operations }, (_, at) => line(at)),
    },
  };
}

const found = (...findings: Finding[]) => ({ total: findings.length, buckets: findings.length, findings });
const claim = (status: 'holds' | 'broken' | 'unknown', kind: 'correctness' | 'evidence' = 'correctness') => ({
  ...{ claim: 'windows <= 0', kind, status, unit: 'count', measured: 0, limit: 0, reason: `it ${status}` },
  verdict: status === 'holds' ? 'pass' : status === 'broken' && kind === 'correctness' ? 'fail' : 'unknown',
});

/** A run of another limiter in this scenario. */
function run(scenario: string, more: object = {}): RunReport {
  const plan = { ...central.plan, scenario };
  const pass = { verdict: 'pass', claims: [claim('holds')], promise: 'fixed-window:20/4s' };
  return { ...central, plan, windows: found(), ...pass, ...more } as unknown as RunReport;
}

const failed = {
  verdict: 'fail',
  claims: [claim('broken')],
  windows: found(finding('window', 7), finding('window', 3)),
};
const limiter = { id: 'mine', isOurs: false, covers: ['hot-user'], topology: 'cluster' } as const;
const cellOf = (report: RunReport) => makeScoreboardCell(report, { limiter, history });

describe('a cell of the scoreboard', () => {
  it.each([
    { scenario: 'healthy', status: 'broken' },
    { scenario: 'hot-user', status: 'broken' },
    { scenario: 'partition', status: 'exceeded' },
  ])('of a run that failed in $scenario is $status', ({ scenario, status }) => {
    expect(cellOf(run(scenario, failed))).toMatchObject({ status, reason: '', history });
  });

  it('is exceeded in healthy too, where the limiter has no store that the regions share', () => {
    const alone = { ...limiter, topology: 'none' } as const;
    const statusIn = (scenario: string) =>
      makeScoreboardCell(run(scenario, failed), { limiter: alone, history }).status;
    expect(['healthy', 'hot-user'].map(statusIn)).toEqual(['exceeded', 'broken']);
  });

  it('is kept where the run passed, and has no witness', () => {
    expect(cellOf(run('healthy'))).toMatchObject({ status: 'kept', witness: null, seed: central.seed });
  });

  it('has how many requests got no decision, by the code of their error, the most frequent first', () => {
    const errors = { failed: { LOAD_ENDED: 2, LIMITER_FAILED: 1 }, info: { LIMITER_FAILED: 4 } };
    const undecided = cellOf(run('healthy', { errors })).figures?.undecided ?? {};
    expect(Object.entries(undecided)).toEqual([
      ['LIMITER_FAILED', 5],
      ['LOAD_ENDED', 2],
    ]);
  });

  it('is unknown without evidence, with the reason', () => {
    const unproved = { verdict: 'unknown', claims: [claim('unknown', 'evidence')] };
    expect(cellOf(run('healthy', unproved))).toMatchObject({ status: 'unknown', reason: 'it unknown' });
  });

  it('names what went wrong in the run, where it lacks evidence too', () => {
    const accounts = [{ ...claim('unknown', 'evidence'), reason: 'a service ended' }];
    const unproved = { verdict: 'unknown', claims: [claim('unknown', 'evidence')], accounts };
    expect(cellOf(run('healthy', unproved)).reason).toBe('a service ended');
  });

  it('is unknown where no claim on correctness is broken, whatever the verdict', () => {
    const other = { verdict: 'fail', claims: [claim('broken', 'evidence')] };
    expect(cellOf(run('healthy', other)).status).toBe('unknown');
  });

  it('counts what the worst window admitted above the promise of windows', () => {
    const { figures } = cellOf(run('healthy', failed));
    expect(figures?.excess).toEqual({ of: 'windows', tokens: 7, declared: null, windows: 2 });
  });

  it('counts the tokens of the worst user of a token bucket', () => {
    const overAdmission = { ...central.overAdmission, largestExcess: 4 };
    const { figures } = cellOf(run('healthy', { promise: 'token-bucket', overAdmission }));
    expect(figures?.excess).toEqual({ of: 'total', tokens: 4, declared: null });
  });

  it('has no false denials of a promise that names none', () => {
    const falseDenials = (whyNot: string) => ({ ...found(), total: 2, judged: 9, whyNot });
    expect(cellOf(run('healthy', { falseDenials: falseDenials('') })).figures?.falseDenials).toEqual({
      ...{ total: 2, judged: 9 },
    });
    expect(cellOf(run('healthy', { falseDenials: falseDenials('no') })).figures?.falseDenials).toBeNull();
  });

  it('shows a false denial where nothing else is wrong, and not what is wrong as a token bucket', () => {
    const overAdmission = { ...central.overAdmission, findings: [finding('over-admission', 5)] };
    const falseDenials = { ...found(finding('false-denial', 1)), judged: 9, whyNot: '' };
    const report = run('healthy', { ...failed, windows: found(), overAdmission, falseDenials });
    expect(cellOf(report).witness).toMatchObject({ bucket: 'ratings:false-denial' });
  });

  it('has the first operations of a long witness and its last, in seconds', () => {
    const { witness } = cellOf(run('healthy', { ...failed, windows: found(finding('window', 7, 60)) }));
    expect(witness).toMatchObject({ text: 'window does not hold', bucket: 'ratings:window', more: 20 });
    expect(witness?.operations).toHaveLength(40);
    expect(witness?.operations[0]).toMatchObject({ operation: 0, fromS: 0, toS: null });
    expect(witness?.operations.at(-1)).toMatchObject({ operation: 59, fromS: 59, toS: 59.5 });
  });

  it('takes at most 20 kB', () => {
    const long = run('healthy', { ...failed, windows: found(finding('window', 7, 1_000)) });
    expect(JSON.stringify(cellOf(long), undefined, 2).length).toBeLessThan(20_000);
  });

  it('is empty where it was not run', () => {
    expect(notRunCell('mine', 'failover', 'no replica')).toMatchObject({
      ...{ status: 'not-run', reason: 'no replica', figures: null, history: null, command: '' },
    });
  });
});

describe('a cell of a strategy of ours', () => {
  const ours = { id: 'central', isOurs: true, covers: [], topology: 'cluster' } as const;
  const [shard] = central.shards;
  const cellWith = (tokens: number, totalExcess: number | undefined, verdict = 'pass') => {
    const { bound: _, ...rest } = shard as NonNullable<typeof shard>;
    const bound = totalExcess === undefined ? {} : { bound: { totalExcess, worstWindow: null, formula: '' } };
    const shards = [{ ...rest, largestExcess: { bucket: 'u1', tokens }, ...bound }];
    const claims = [claim(verdict === 'pass' ? 'holds' : 'unknown', 'evidence')];
    return makeScoreboardCell(run('failover', { shards, verdict, claims }), { limiter: ours, history });
  };

  it.each([
    { title: 'within its bound', tokens: 19, bound: 20, status: 'kept' },
    { title: 'beyond its bound', tokens: 21, bound: 20, status: 'broken' },
    { title: 'above nothing declared', tokens: 1, bound: undefined, status: 'exceeded' },
    { title: 'with nothing declared, and no excess', tokens: 0, bound: undefined, status: 'kept' },
    {
      title: 'within its bound, without evidence',
      tokens: 0,
      bound: 20,
      verdict: 'unknown',
      status: 'unknown',
    },
    {
      title: 'beyond its bound, without evidence',
      tokens: 21,
      bound: 20,
      verdict: 'unknown',
      status: 'broken',
    },
  ])('$title is $status', ({ tokens, bound, verdict, status }) => {
    const cell = cellWith(tokens, bound, verdict);
    expect(cell.status).toBe(status);
    expect(cell.figures?.excess).toEqual({ of: 'total', tokens, declared: bound ?? null });
  });

  it('within its bound is broken where it denies what it claims to admit', () => {
    const denied = { verdict: 'fail', claims: [claim('broken')] };
    const report = run('healthy', { ...denied, shards: [{ ...shard, bound: undefined }] });
    const cell = makeScoreboardCell(report, { limiter: ours, history });
    expect([cell.status, cell.figures?.excess.tokens]).toEqual(['broken', 0]);
  });
});
