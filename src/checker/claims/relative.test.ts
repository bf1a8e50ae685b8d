import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { formatPolicy, makePolicy } from '../../core/policy.ts';
import type { History } from '../../history/history.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import { checkHistory, withVerdict } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';
import { explainClaim, parseClaim } from './claim.ts';

const S = 1_000_000;
const at = (atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: atS * S,
  completedUs: atS * S,
  ...part,
});
const many = (count: number, atS: number, part: OperationPart = {}) =>
  Array.from({ length: count }, () => at(atS, part));
const denied = (atS: number, bucket: string) => at(atS, { bucket, outcome: 'denied' });
const CUT: readonly FaultRecord[] = (['inject', 'heal'] as const).map((phase) => ({
  ...{ type: 'fault', fault: 'cut', phase },
  atUs: (phase === 'inject' ? 10 : 20) * S,
}));

function one(claim: string, history: History, options: Partial<CheckOptions> = {}) {
  const claims = ['contested >= 0', 'info <= 100%', 'failed <= 100%', 'headroom <= 100%'];
  const all = [claim, ...claims].map(parseClaim);
  return checkHistory(history, { busiest: [], claims: all, ...options }).claims[0];
}

/** 40 tokens and 1/s: u7 admits 5 of 40 too many, big 6 of 120. */
const EXCESSES = [
  ...many(45, 80, { bucket: 'u7' }),
  ...[0, 40].flatMap((atS) => many(40, atS, { bucket: 'big' })),
  ...many(46, 80, { bucket: 'big' }),
];
const RUN = historyOf(EXCESSES, { policy: '40:1/s' });

describe('total-excess as a share', () => {
  it('is of the bucket with the largest share, not of the one with the most tokens', () => {
    expect(one('total-excess <= 5', RUN)?.reason).toMatch(/measured 6 tokens/);
    expect(one('total-excess <= 10%', RUN)).toMatchObject({
      ...{ status: 'broken', verdict: 'fail', unit: 'share', measured: 0.125, limit: 0.1 },
      reason: expect.stringMatching(
        /; 5 tokens, 12\.5% of the 40 tokens that an ideal bucket would have admitted \(bucket u7\); measured 12\.5%, claimed at most 10%: 2\.5% too many$/,
      ),
    });
    expect(one('total-excess <= 12.5%', RUN)).toMatchObject({
      status: 'holds',
      reason: expect.stringMatching(/\(at most 12\.5%\)$/),
    });
  });

  it('is 0 of a run without an excess, and unknown without an admission', () => {
    const exact = historyOf([at(5)], { policy: '2:1/s' });
    expect(one('total-excess <= 0%', exact)).toMatchObject({ status: 'holds', measured: 0 });
    const none = historyOf([denied(5, 'a')], { policy: '2:1/s' });
    expect(one('total-excess <= 100%', none)).toMatchObject({ status: 'unknown', measured: null });
  });

  it('of a phase compares what was admitted in the phase', () => {
    const history = historyOf([...many(2, 9), ...many(3, 15)], { policy: '2:1/s', records: CUT });
    expect(one('total-excess <= 40% during cut', history)).toMatchObject({ status: 'broken', measured: 0.5 });
    expect(one('total-excess <= 25%', history)).toMatchObject({ status: 'holds', measured: 0.25 });
    expect(one('total-excess <= 0% before', history)).toMatchObject({ status: 'holds', measured: 0 });
  });

  it('of nothing ideal has no percentage and is broken, with its tokens', () => {
    const history = historyOf([...many(2, 9.9), ...many(1, 10)], { policy: '2:1/s', records: CUT });
    expect(one('total-excess <= 100% during cut', history)).toMatchObject({
      ...{ status: 'broken', measured: null },
      reason: expect.stringMatching(
        /; 0\.9 tokens beyond an ideal bucket, which would have admitted none \(bucket b\) during cut, claimed at most 100%$/,
      ),
    });
  });
});

describe('a bucket with refunds', () => {
  it('is compared with an ideal bucket that gets them too', () => {
    const history = historyOf([...many(2, 5), at(5.5, { cost: -2 }), ...many(3, 5.5)], { policy: '2:1/s' });
    expect(one('total-excess <= 12%', history)).toMatchObject({ status: 'broken', measured: 0.125 });
    expect(one('worst-window <= 19%', history)).toMatchObject({ status: 'broken', measured: 0.2 });
  });

  it('is judged by the window that is worst after refunds', () => {
    const refunded = [...many(4, 5), at(5, { cost: -2 })];
    const history = historyOf([...refunded, ...many(3, 90)], { policy: '2:1/s' });
    expect(one('worst-window <= 49%', history)).toMatchObject({ status: 'broken', measured: 0.5 });
    expect(one('worst-window <= 0', history)).toMatchObject({ status: 'broken', measured: 1 });
    const spent = [1, 2, 3, 4, 5, 6].flatMap((atS) => many(1, atS));
    const early = historyOf([at(0.5, { cost: -2 }), ...many(2, 0.1), ...spent, ...many(2, 6)], {
      policy: '2:1/s',
    });
    expect(one('worst-window <= 0', early)).toMatchObject({ status: 'broken', measured: 1 });
    expect(one('total-excess <= 0', early)).toMatchObject({ status: 'broken', measured: 1 });
    expect(one('worst-window <= 50%', early)?.status).toBe('holds');
  });
});

describe('worst-window as a share', () => {
  /** 2 tokens and 1/s: 3 too many over 100 s, which are 3%, and 1 at once, which is 50%. */
  const history = historyOf(
    [...many(3, 0), ...Array.from({ length: 99 }, (_, i) => at(i + 1)), ...many(3, 100)],
    { policy: '2:1/s' },
  );

  it('is of the window with the largest share, not of the one with the most tokens', () => {
    expect(one('worst-window <= 0', history)?.measured).toBe(3);
    expect(one('worst-window <= 49.9%', history)).toMatchObject({
      ...{ status: 'broken', measured: 0.5 },
      reason: expect.stringMatching(
        /; 1 token within 0\.000 s, 50% of the 2 tokens that an ideal bucket admits at most \(bucket b\); measured 50%/,
      ),
    });
    expect(one('worst-window <= 50%', history)).toMatchObject({ status: 'holds' });
  });

  const admissions = fc.array(
    fc.record({ atUs: fc.nat(40), length: fc.nat(10), cost: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 12 },
  );
  const policies = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }))
    .map(([capacity, tokens, perUs]) => makePolicy(capacity, { tokens, perUs }));

  it('is broken exactly if some window has more than this share too many', () => {
    let broken = 0;
    fc.assert(
      fc.property(policies, admissions, fc.nat(1_000), (policy, drawn, tenths) => {
        const limit = BigInt(tenths);
        const isOver = drawn.some(({ atUs: start }) =>
          drawn.some((last) => {
            const end = last.atUs + last.length;
            const inside = drawn.filter(({ atUs, length }) => atUs >= start && atUs + length <= end);
            const admitted = inside.reduce((sum, { cost }) => sum + cost * policy.quantaPerToken, 0);
            const allowed = policy.capacityQuanta + (end - start) * policy.quantaPerUs;
            return end >= start && BigInt(admitted - allowed) * 1_000n > limit * BigInt(allowed);
          }),
        );
        const parts = drawn.map(({ atUs, length, cost }) => ({
          ...{ invokedUs: atUs, completedUs: atUs + length, cost },
        }));
        const judged = historyOf(parts, { policy: formatPolicy(policy) });
        const result = one(`worst-window <= ${tenths / 10}%`, judged);
        expect(result?.status).toBe(isOver ? 'broken' : 'holds');
        if (isOver) broken++;
      }),
      { numRuns: 500, seed: 5 },
    );
    expect(broken).toBeGreaterThan(100);
  });
});

describe('false-denials as a share', () => {
  /** 2 tokens and 1/s: a denies 1 of the 3 that an ideal bucket admits; light denies its only request. */
  const drained = [...many(2, 5, { bucket: 'a' }), denied(9, 'a')];
  const light = denied(15, 'light');

  it('is of the requests that an ideal bucket would have admitted', () => {
    const history = historyOf([...drained, light], { policy: '2:1/s', records: CUT });
    expect(one('false-denials <= 0', history)?.measured).toBe(2);
    expect(one('false-denials <= 0.1%', history)).toMatchObject({
      ...{ status: 'broken', measured: 1 / 3 },
      reason: expect.stringMatching(
        /; 1, 33\.3% of the 3 requests that an ideal bucket would have admitted \(bucket a\)/,
      ),
    });
    expect(one('false-denials <= 33.4%', history)?.status).toBe('holds');
    expect(one('false-denials <= 33.3% before', history)?.status).toBe('broken');
    expect(one('false-denials <= 0% during cut', history)?.status).toBe('holds');
  });

  it('of a bucket that denies everything counts', () => {
    const history = historyOf([denied(5, 'a'), denied(6, 'a')], { policy: '2:1/s' });
    expect(one('false-denials <= 99%', history)).toMatchObject({ status: 'broken', measured: 1 });
  });

  it('does not count buckets in which an ideal one would have admitted less than its capacity', () => {
    const history = historyOf([...many(2, 5, { bucket: 'a' }), denied(5, 'a'), light], { policy: '2:1/s' });
    expect(one('false-denials <= 0%', history)).toMatchObject({
      ...{ status: 'holds', measured: 0 },
      reason: expect.stringMatching(/; all in buckets in which an ideal bucket would have admitted less/),
    });
    expect(one('false-denials <= 50%', historyOf([light], { policy: '2:1/s' }))).toMatchObject({
      ...{ status: 'unknown', measured: null },
      reason: expect.stringMatching(/no ideal bucket would have admitted its capacity/),
    });
  });

  it('is unknown without a denial that can be judged', () => {
    expect(one('false-denials <= 50%', historyOf([at(5)], { policy: '2:1/s' }))?.status).toBe('unknown');
  });
});

describe('a share', () => {
  it('has an upper end of what missing requests can explain', () => {
    const history = historyOf(EXCESSES, { policy: '40:1/s', sent: EXCESSES.length + 1 });
    for (const [measure, largest] of [
      ['total-excess', 12.5],
      ['worst-window', 15],
    ] as const) {
      expect(one(`${measure} <= ${largest - 0.1}%`, history)).toMatchObject({
        ...{ status: 'unknown', measured: 0 },
        reason: expect.stringMatching(/; 11 tokens too many were admitted in 2 buckets, unless a refund/),
      });
      expect(one(`${measure} <= ${largest}%`, history)?.status).toBe('holds');
    }
  });

  it('has a lower end of what they cannot explain', () => {
    const denials = [10, 20, 30].map((atS) => denied(atS, 'a'));
    const parts = [...many(2, 5, { bucket: 'a' }), ...denials, at(40)];
    const history = historyOf(parts, { policy: '2:1/s', sent: null });
    const judge = (limit: number) => one(`false-denials <= ${limit}%`, history, { openAtEndAtMost: 4 });
    const statuses = [19, 20, 59, 60].map((limit) => judge(limit)?.status);
    expect(statuses).toEqual(['broken', 'unknown', 'unknown', 'holds']);
  });

  it('is judged again from a report, unless an earlier version wrote it', () => {
    const { shares, ...earlier } = checkHistory(RUN, { busiest: [] });
    const claims = ['total-excess <= 10%', 'worst-window <= 15%'].map(parseClaim);
    const kept = JSON.parse(JSON.stringify({ ...earlier, shares }));
    expect(withVerdict(kept, claims).claims.map(({ status }) => status)).toEqual(['broken', 'holds']);
    expect(withVerdict(earlier, claims).claims).toMatchObject(
      claims.map(() => ({
        status: 'unknown',
        reason: expect.stringMatching(/earlier version .* make the run again/),
      })),
    );
  });

  it.each([
    [
      'total-excess <= 10%',
      /: at most 10% more admitted than an ideal bucket would have admitted of the same/,
    ],
    [
      'worst-window <= 5%',
      /: at most 5% more admitted in any one window than capacity \+ refill \* its length/,
    ],
    [
      'false-denials <= 0.1%',
      /: at most 0\.1% of the requests that an ideal bucket would have admitted denied/,
    ],
  ])('%s is explained', (claim, want) => expect(explainClaim(parseClaim(claim))).toMatch(want));
});
