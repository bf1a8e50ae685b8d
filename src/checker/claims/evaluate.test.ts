import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import { checkHistory, withVerdict } from '../check.ts';
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
  { invokedUs: 16 * S, outcome: 'info' as const, bucket: 'c', error: 'REPLY_LOST' },
  at(25, level('a')),
];
const RUN = historyOf(PARTS, { policy: '2:1/s', records: [fault('inject', 10), fault('heal', 20)] });

const RUN_WITH_LEVELS = historyOf(
  [
    {
      ...at(15),
      decision: { strategy: '?', source: 'redis', node: 'a', bucketUs: S, levelQuanta: 1_000_000 },
    },
  ],
  { policy: '2:1/s', records: [fault('inject', 10)] },
);

/** So that what is asked for is all that matters. */
const ANY_EVIDENCE = [
  'contested >= 0',
  'exercised >= 0%',
  'info <= 100%',
  'failed <= 100%',
  'headroom <= 100%',
];

function judged(claims: readonly string[], { history = RUN, bound = 0 as number | null | 'none' } = {}) {
  return checkHistory(history, {
    busiest: ['b', 'c'],
    claims: [...claims, ...ANY_EVIDENCE].map(parseClaim),
    boundOf: () =>
      bound === 'none'
        ? undefined
        : {
            totalExcess: bound,
            worstWindow: bound,
            formula: bound === null ? 'nothing is declared, since' : '',
          },
  });
}
const one = (claim: string, options: Parameters<typeof judged>[1] = {}) => judged([claim], options).claims[0];

describe('a claim', () => {
  it.each([
    ['total-excess <= 3', 'total-excess <= 2'],
    ['total-excess <= 0 before', 'total-excess <= 0 during cut'],
    ['worst-window <= 3', 'worst-window <= 2.5'],
    ['p99(allowed) <= 101ms', 'p99(allowed) <= 99ms'],
    ['max(any) <= 100ms during cut', 'max(any) <= 99.9ms during cut'],
    ['throughput >= 0.4/s', 'throughput >= 0.5/s'],
    ['throughput >= 0.8/s during cut', 'throughput >= 0.9/s during cut'],
  ])('%s holds, %s is broken', (holds, broken) => {
    expect([one(holds)?.status, one(broken)?.status]).toEqual(['holds', 'broken']);
  });

  it.each([
    ['info <= 10%', 'info <= 1%'],
    ['failed <= 0% before', 'failed <= 5% during cut'],
    ['contested >= 50%', 'contested >= 51%'],
    ['contested >= 1', 'contested >= 2'],
  ])('%s holds; %s breaks no promise: too little is known', (holds, missed) => {
    expect([one(holds)?.status, one(missed)?.status]).toEqual(['holds', 'unknown']);
    expect(one(missed)?.measured).not.toBeNull();
  });

  it.each([
    [
      'total-excess <= 0',
      /b admitted 5 tokens .*; measured 2\.9 tokens, claimed at most 0 tokens: 2\.9 tokens too many$/,
    ],
    [
      'failed <= 1%',
      /^8% of the requests were not decided: REDIS_CLUSTER_DOWN 1 times; measured 8\.3%, claimed at most 1%: 7\.3% too many$/,
    ],
    ['info <= 1%', /^8% of the requests have an unknown charge: REPLY_LOST 1 times;/],
    [
      'contested >= 80%',
      /^1 of the 2 busiest .*; measured 50%, claimed at least 80%: 30% too few; take fewer users, a smaller policy or a longer load$/,
    ],
    ['p50(allowed) <= 40ms', /measured 100ms, claimed at most 40ms: 60ms too slow$/],
  ])('%s says by how much it is broken', (claim, want) => expect(one(claim)?.reason).toMatch(want));

  it.each([
    { kind: 'correctness', claim: 'total-excess <= 0', status: 'broken', verdict: 'fail' },
    { kind: 'evidence', claim: 'info <= 1%', status: 'unknown', verdict: 'unknown' },
    { kind: 'performance', claim: 'max(any) <= 1ms', status: 'broken', verdict: 'pass' },
  ])('on $kind that is not kept makes a run $verdict', ({ kind, claim, status, verdict }) => {
    expect(judged([claim]).verdict).toBe(verdict);
    expect(one(claim)).toMatchObject({ kind, status });
  });

  it.each([
    [
      'total-excess <= 0 during kill',
      /the run has no such phase; its phases are: before, during cut, after cut/,
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

  /** A run with nothing but denials, then nothing but admissions, without levels. */
  const BARE = historyOf([at(5, { outcome: 'denied', cost: 3 }), at(15), at(25, { outcome: 'failed' })], {
    policy: '2:1/s',
    records: [fault('inject', 10), fault('heal', 20)],
  });
  const DENIALS = historyOf([at(5, { outcome: 'denied', cost: 3 })], { policy: '2:1/s' });
  const ADMISSIONS = historyOf([at(5), at(6, { outcome: 'failed' })], { policy: '2:1/s' });
  const admission = { history: DENIALS, why: /nothing was admitted$/ };
  it.each([
    { claim: 'total-excess <= 1000', ...admission },
    { claim: 'total-excess <= bound', ...admission },
    { claim: 'worst-window <= 1000', ...admission },
    { claim: 'worst-window <= bound', ...admission },
    { claim: 'false-denials <= 1000', history: ADMISSIONS, why: /no denial could be judged: there is none$/ },
    { claim: 'replay <= 1000', history: ADMISSIONS, why: /none was replayed$/ },
    { claim: 'dropped <= 100%', history: ADMISSIONS, why: /a closed load has no due times/ },
    { claim: 'p99(denied) <= 1000s', history: ADMISSIONS, why: /no request was denied$/ },
    { claim: 'total-excess <= 1000 before', history: BARE, why: /nothing was admitted$/ },
    { claim: 'total-excess <= 1000 after cut', history: BARE, why: /nothing was admitted$/ },
    { claim: 'false-denials <= 1000 during cut', history: BARE, why: /no denial could be judged$/ },
    { claim: 'replay <= 1000 during cut', history: BARE, why: /no decision was replayed$/ },
    { claim: 'dropped <= 100% during cut', history: BARE, why: /a closed load/ },
    { claim: 'p99(allowed) <= 1000s before', history: BARE, why: /no request was allowed$/ },
  ])('$claim without a sample is unknown, however much it allows', ({ claim, history, why }) => {
    const result = one(claim, { history, bound: 1_000 });
    expect(result).toMatchObject({ status: 'unknown', verdict: 'unknown', measured: null });
    expect(result?.reason).toMatch(why);
  });

  it.each([
    {
      promise: 'windows of which none can be broken',
      parts: [at(5, { outcome: 'denied' })],
      want: 'unknown',
    },
    { promise: 'windows that were kept', parts: [at(5)], want: 'holds' },
  ] as const)('on $promise is $want', ({ parts, want }) => {
    const claims = [parseClaim('windows <= 0')];
    const promise = parsePromise('fixed-window:2/1s');
    expect(checkHistory(historyOf(parts), { busiest: [], claims, promise }).claims[0]?.status).toBe(want);
  });

  it.each([
    { claim: 'total-excess <= 0 during cut', history: BARE },
    { claim: 'false-denials <= 0 before', history: BARE },
    { claim: 'replay <= 1000 during cut', history: RUN_WITH_LEVELS },
    { claim: 'total-excess <= 0', history: ADMISSIONS },
    { claim: 'false-denials <= 0', history: DENIALS },
  ])('$claim with one holds', ({ claim, history }) =>
    expect(one(claim, { history })).toMatchObject({ status: 'holds' }),
  );

  it('that is made of any history stays as it is where there is nothing to deny or to replay', () => {
    const { claims } = checkHistory(ADMISSIONS, { busiest: [] });
    expect(claims.map(({ claim, status }) => [claim, status])).toEqual([
      ['total-excess <= 0', 'holds'],
      ['false-denials <= 0', 'holds'],
      ['replay <= 0', 'holds'],
      ['info <= 100%', 'holds'],
      ['failed <= 90%', 'holds'],
    ]);
  });

  it('on a bound is judged for each shard, by its worst bucket', () => {
    expect(one('total-excess <= bound', { bound: 3 })).toMatchObject({ status: 'holds', limit: 3 });
    const broken = one('total-excess <= bound', { bound: 1 });
    expect(broken).toMatchObject({ status: 'broken', verdict: 'fail', limit: 1 });
    expect(broken?.reason).toMatch(
      /^b of shard a admitted 2\.9 tokens .*claimed at most 1 token: 1\.9 tokens too many$/,
    );
  });

  it('on an undeclared bound is unknown if there is an excess', () => {
    const { claims } = judged(['total-excess <= bound', 'worst-window <= bound'], { bound: null });
    expect(claims.slice(0, 2).map(({ status }) => status)).toEqual(['unknown', 'unknown']);
    expect(one('total-excess <= bound', { bound: 'none' })?.reason).toMatch(
      /declares no bound on the total excess$/,
    );
    expect(one('total-excess <= bound', { bound: null })?.reason).toMatch(/nothing is declared, since/);
    const exact = historyOf([at(5, level('a'))], { policy: '2:1/s' });
    expect(one('total-excess <= bound', { history: exact, bound: 'none' })?.status).toBe('holds');
  });

  it('of all claims that hold, an excess within the bound is no failure, and is shown in full', () => {
    const report = judged(['total-excess <= bound', 'info <= 10%'], { bound: 3 });
    expect(report.verdict).toBe('pass');
    expect(report.overAdmission.totalExcess).toBeCloseTo(2.9, 3);
  });

  it('total-excess of a phase is of one bucket, as it is of the run', () => {
    const parts = [...PARTS, ...many(4, at(15, { bucket: 'd' }))]; // 1.9 too many in another bucket
    const history = historyOf(parts, { policy: '2:1/s', records: [fault('inject', 10), fault('heal', 20)] });
    for (const when of ['', ' during cut'])
      expect(one(`total-excess <= 0${when}`, { history })?.measured).toBeCloseTo(2.9, 3);
    expect(one('total-excess <= 0 during cut', { history })?.reason).toMatch(/2\.9 tokens .* 4\.8 by all/);
  });

  it('can be added to a run that was judged before', () => {
    const report = judged(['total-excess <= 3']);
    expect(withVerdict(report, [parseClaim('total-excess <= 2')]).verdict).toBe('fail');
  });
});

describe('an open load', () => {
  /** 200 requests are sent when they are due, and so many more are dropped while cut. */
  const run = (dropped: number) =>
    historyOf(many(200, at(5, { bucket: 'c', outcome: 'denied', intendedUs: 4.8 * S })), {
      policy: '2:1/s',
      records: [
        fault('inject', 10),
        { type: 'event', event: 'dropped', atUs: 11 * S, args: { region: 'r', requests: dropped } },
      ],
    });

  it.each([
    { claim: 'dropped <= 1%', dropped: 2, status: 'holds' },
    { claim: 'dropped <= 1%', dropped: 3, status: 'unknown' },
    { claim: 'dropped <= 0% before', dropped: 50, status: 'holds' },
    { claim: 'dropped <= 99% during cut', dropped: 1, status: 'unknown' },
    { claim: 'max(any) <= 200ms', dropped: 2, status: 'holds' },
    { claim: 'max(any) <= 199ms', dropped: 2, status: 'broken' },
    { claim: 'p50(denied) <= 9s', dropped: 3, status: 'unknown' },
    { claim: 'p99(denied) <= 9s', dropped: 3, status: 'unknown' },
    { claim: 'max(any) <= 1us', dropped: 3, status: 'unknown' },
    { claim: 'max(any) <= 200ms before', dropped: 3, status: 'holds' },
    { claim: 'max(any) <= 9s during cut', dropped: 3, status: 'unknown' },
  ])('with $dropped of 200 more dropped: $claim $status', ({ claim, dropped, status }) =>
    expect(one(claim, { history: run(dropped) })).toMatchObject({ status }),
  );

  it('that dropped too much is too little evidence, and says how much', () => {
    expect(judged(['dropped <= 1%'], { history: run(50) }).verdict).toBe('unknown');
    expect(one('dropped <= 1%', { history: run(50) })).toMatchObject({
      kind: 'evidence',
      reason:
        '20% of the 250 requests that were due were dropped; measured 20%, claimed at most 1%: 19% too many; give the load more connections or a lower rate',
    });
    expect(one('p99(any) <= 9s', { history: run(50) })?.reason).toBe(
      'p99(any) <= 9000ms: 50 of the 250 requests that were due were dropped, so their latency is unknown',
    );
  });

  it('is asked for what it dropped also where no claims are made, a closed one is not', () => {
    const claimTexts = (history: Parameters<typeof checkHistory>[0]) =>
      checkHistory(history, { busiest: [] }).claims.map(({ claim }) => claim);
    expect(claimTexts(run(1))).toContain('dropped <= 1%');
    expect(claimTexts(RUN)).not.toContain('dropped <= 1%');
  });
});
