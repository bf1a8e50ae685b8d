import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import type { FaultRecord } from '../history/operation.ts';
import { checkHistory, withVerdict } from './check.ts';
import { parseClaim } from './claim.ts';

const S = 1_000_000;
const at = (atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: atS * S - 100_000,
  completedUs: atS * S,
  ...part,
});
const fault = (phase: FaultRecord['phase'], atS: number): FaultRecord => ({
  type: 'fault',
  fault: 'cut',
  phase,
  atUs: atS * S,
});
const many = (count: number, part: OperationPart) => Array.from({ length: count }, () => part);
const level = (node: string): OperationPart => ({
  decision: { strategy: 'central', source: 'redis', node },
});

/** 2 tokens and 1/s: one bucket admits 5 at once while cut, so 2.9 too many; another is drained and denies. */
const PARTS = [
  at(5, level('a')),
  ...many(5, at(15, level('a'))),
  ...many(2, at(15, { bucket: 'c', ...level('b') })),
  at(15, { bucket: 'c', outcome: 'denied', ...level('b') }),
  at(16, { outcome: 'failed', error: 'REDIS_CLUSTER_DOWN' }),
  { invokedUs: 16 * S, outcome: 'info' as const, bucket: 'c' },
  at(25, level('a')),
];
const RUN = historyOf(PARTS, { policy: '2:1/s', records: [fault('inject', 10), fault('heal', 20)] });

function judged(claims: readonly string[], { history = RUN, bound = 0 as number | null | 'none' } = {}) {
  return checkHistory(history, {
    busiest: ['b', 'c'],
    claims: claims.map(parseClaim),
    boundOf: () =>
      bound === 'none' ? undefined : { totalExcess: bound, worstWindow: bound, formula: String(bound) },
  });
}
const one = (claim: string, options: Parameters<typeof judged>[1] = {}) => judged([claim], options).claims[0];

describe('a claim', () => {
  it.each([
    ['total-excess <= 3', 'total-excess <= 2'],
    ['total-excess <= 0 before', 'total-excess <= 0 during cut'],
    ['worst-window <= 3', 'worst-window <= 2.5'],
    ['info <= 10%', 'info <= 1%'],
    ['failed <= 0% before', 'failed <= 5% during cut'],
    ['contested >= 50%', 'contested >= 51%'],
    ['contested >= 1', 'contested >= 2'],
    ['p99(allowed) <= 101ms', 'p99(allowed) <= 99ms'],
    ['max(any) <= 100ms during cut', 'max(any) <= 99.9ms during cut'],
    ['throughput >= 0.4/s', 'throughput >= 0.5/s'],
    ['throughput >= 0.8/s during cut', 'throughput >= 0.9/s during cut'],
  ])('%s holds, %s is broken', (holds, broken) => {
    expect([one(holds)?.status, one(broken)?.status]).toEqual(['holds', 'broken']);
  });

  it.each([
    [
      'total-excess <= 0',
      /b admitted 5 tokens .*; measured 2\.9 tokens, claimed at most 0 tokens: 2\.9 tokens too many$/,
    ],
    [
      'failed <= 1%',
      /^8% of the requests were not decided, REDIS_CLUSTER_DOWN 1 times; measured 8\.3%, claimed at most 1%: 7\.3% too many$/,
    ],
    ['contested >= 80%', /^1 of the 2 busiest .*; measured 50%, claimed at least 80%: 30% too few$/],
    ['p50(allowed) <= 40ms', /measured 100ms, claimed at most 40ms: 60ms too slow$/],
  ])('%s says by how much it is broken', (claim, want) => expect(one(claim)?.reason).toMatch(want));

  it.each([
    { kind: 'correctness', claim: 'total-excess <= 0', verdict: 'fail' },
    { kind: 'evidence', claim: 'info <= 1%', verdict: 'unknown' },
    { kind: 'performance', claim: 'max(any) <= 1ms', verdict: 'pass' },
  ])('on $kind that is broken makes a run $verdict', ({ kind, claim, verdict }) => {
    expect(judged([claim]).verdict).toBe(verdict);
    expect(one(claim)).toMatchObject({ kind, status: 'broken' });
  });

  it.each([
    [
      'total-excess <= 0 during kill',
      /there was no phase of that name; there were: before, during cut, after cut/,
    ],
    ['p99(denied) <= 1s before', /no request was denied/],
    ['replay <= 0', /none was replayed/],
    ['windows <= 0', /a token bucket/],
  ])('%s without a sample is unknown', (claim, want) => {
    expect(one(claim)).toMatchObject({ status: 'unknown', verdict: 'unknown', measured: null });
    expect(one(claim)?.reason).toMatch(want);
  });

  it.each(['total-excess <= 0', 'throughput >= 0/s', 'info <= 100%', 'total-excess <= bound'])(
    '%s of a run without operations is unknown',
    (claim) => expect(one(claim, { history: historyOf([]) })).toMatchObject({ status: 'unknown' }),
  );

  it('on a bound is judged for each shard, by its worst bucket', () => {
    expect(one('total-excess <= bound', { bound: 3 })).toMatchObject({ status: 'holds', limit: 3 });
    const broken = one('total-excess <= bound', { bound: 1 });
    expect(broken).toMatchObject({ status: 'broken', verdict: 'fail', limit: 1 });
    expect(broken?.reason).toMatch(
      /^b of shard a admitted 2\.9 tokens .*claimed at most 1 token: 1\.9 tokens too many$/,
    );
  });

  it('on a bound that nobody declares is unknown where there is an excess', () => {
    const { claims } = judged(['total-excess <= bound', 'worst-window <= bound'], { bound: null });
    expect(claims.map(({ status }) => status)).toEqual(['unknown', 'unknown']);
    expect(one('total-excess <= bound', { bound: 'none' })?.reason).toMatch(/declares no total excess$/);
    const exact = historyOf([at(5, level('a'))], { policy: '2:1/s' });
    expect(one('total-excess <= bound', { history: exact, bound: 'none' })?.status).toBe('holds');
  });

  it('of all claims that hold, an excess within the bound is no failure, and is shown in full', () => {
    const report = judged(['total-excess <= bound', 'info <= 10%'], { bound: 3 });
    expect(report.verdict).toBe('pass');
    expect(report.overAdmission.totalExcess).toBeCloseTo(2.9, 3);
  });

  it('can be added to a run that was judged before', () => {
    const report = judged(['total-excess <= 3']);
    expect(withVerdict(report, [parseClaim('total-excess <= 2')]).verdict).toBe('fail');
  });
});
