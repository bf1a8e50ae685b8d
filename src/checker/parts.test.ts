import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../test/support/history.ts';
import { historyOfParts, type PartRecords, partOf } from '../../test/support/part-history.ts';
import { parsePromise } from '../core/promise.ts';
import type { HistoryParts, LeftOut } from '../history/parts/parts.ts';
import { checkHistory } from './check.ts';
import type { CheckOptions } from './check-options.ts';
import { parseClaim } from './claims/claim.ts';

const OPTIONS = { busiest: [], falseDenialsAtMost: 0, infoAtMost: 1 };
const NO_REFUNDS = { refunds: 'none' } as const;

const op = (outcome: 'allowed' | 'denied', us: number, changes: OperationPart = {}): OperationPart => ({
  ...{ outcome, invokedUs: us, completedUs: us },
  ...changes,
});
const times = (many: number, part: OperationPart) => Array.from({ length: many }, () => part);

/** On one machine, so that no clock has to be known. */
const part = (
  name: string,
  operations: readonly OperationPart[],
  changes: PartRecords = {},
): PartRecords => ({
  part: partOf(name, { machine: 'm' }),
  header: NO_REFUNDS,
  operations,
  ...changes,
});

function judged(
  parts: readonly PartRecords[],
  { leftOut, ...options }: { readonly leftOut?: readonly LeftOut[] } & Partial<CheckOptions> = {},
) {
  const history = historyOfParts(parts, { policy: '20:1/d', ...(leftOut && { leftOut }) });
  const report = checkHistory(history, { ...OPTIONS, ...options });
  const unknown = report.accounts.filter(({ verdict }) => verdict === 'unknown');
  return { report, verdict: report.verdict, why: unknown.map(({ reason }) => reason) };
}

const DECIDED: OperationPart = { decision: { strategy: 'central', source: 'redis', node: 'n' } };

const drained = part('a', [...times(20, op('allowed', 10)), op('denied', 20)]);
const idle = part('b', [op('allowed', 5, { bucket: 'other' })]);

describe('a run in parts that is not whole', () => {
  it('passes when it is', () => {
    expect(judged([drained, idle])).toMatchObject({ verdict: 'pass', why: [] });
  });

  it.each([
    {
      title: 'a part is missing',
      parts: [drained],
      why: "the part b of the run's 2 parts is missing: false denials, replay and proofs are not judged; give its file, too, or run all parts again",
    },
    {
      title: 'a part was cut short',
      parts: [drained, { ...idle, isCut: true }],
      why: 'the part b was cut short, since its file has no end: false denials, replay and proofs are not judged; wait if the load still runs, or run all parts again',
    },
    {
      title: 'an altered file was left out',
      parts: [drained],
      leftOut: [{ file: 'x', part: 'b', why: 'altered' as const }],
      why: 'the part b is missing, since its file was altered: false denials, replay and proofs are not judged; copy it again from the machine that wrote it',
    },
    {
      title: 'another load of a part was left out',
      parts: [drained, idle],
      leftOut: [{ file: 'x', part: 'b', why: 'double' as const }],
      why: 'x is left out: it has the part b, but is no copy of 1.ndjson, which is judged; if it is of a second load, its requests were charged, too: run all parts again; if it is an incomplete copy, do not give it; false denials, replay and proofs are not judged',
    },
  ])('is unknown, and says why: $title', ({ parts, leftOut = [], why }) => {
    expect(judged(parts, { leftOut })).toMatchObject({ verdict: 'unknown', why: [why] });
  });

  it('is convicted of what a part admitted beyond an ideal bucket', () => {
    const over = part('a', times(21, op('allowed', 10)));
    const { verdict, report } = judged([over]);
    expect([verdict, report.overAdmission.totalExcess]).toEqual(['fail', 1]);
    expect(judged([over, idle]).verdict).toBe('fail');
  });

  it('is not convicted of an excess that refunds of the missing part explain', () => {
    const over = part('a', times(21, op('allowed', 10)), { header: {} });
    const { verdict, report } = judged([over]);
    expect(verdict).toBe('unknown');
    expect(report.claims[0]?.reason).toMatch(
      /unless a refund of b is missing from the history \(any number may be\)$/,
    );
  });

  it.each([
    { title: 'a denial', wrong: op('denied', 10), of: 'falseDenials' },
    {
      title: 'a level',
      wrong: op('allowed', 10, {
        decision: {
          ...{ strategy: 'central', node: 'n', source: 'redis', atUs: 10, bucketUs: 10 },
          levelQuanta: 5,
        },
      }),
      of: 'replay',
    },
    {
      title: 'a level, however it contradicts itself',
      wrong: op('denied', 10, {
        decision: {
          ...{ strategy: 'central', node: 'n', source: 'redis', atUs: 10, bucketUs: 10 },
          levelQuanta: 20 * 86_400_000_000,
        },
      }),
      of: 'replay',
    },
    { title: 'a stated value', wrong: op('allowed', 10, { stated: { remaining: 3 } }), of: 'dishonest' },
  ] as const)('does not judge $title that requests of a missing part explain', ({ wrong, of }) => {
    expect(judged([part('a', [wrong]), idle]).report[of].total).toBeGreaterThan(0);
    const { report, verdict } = judged([part('a', [wrong])]);
    expect([report[of].total, verdict]).toEqual([0, 'unknown']);
  });

  it('judges a stated value that no charge explains', () => {
    const wrong = op('allowed', 10, { stated: { remaining: 25 } });
    const { report, verdict } = judged([part('a', [wrong])], { dishonestAtMost: 0 });
    expect([report.dishonest.total, verdict]).toEqual([1, 'fail']);
  });

  it.each([
    { promise: 'sliding-window:20/60s', verdict: 'fail' },
    { promise: 'fixed-window:20/60s:epoch', verdict: 'fail' },
    { promise: 'fixed-window:20/60s:first', verdict: 'unknown' }, // a missing request may have begun another window
  ])('judges what $promise admitted too much: $verdict', ({ promise, verdict }) => {
    const over = part('a', [...times(21, op('allowed', 10)), op('denied', 90_000_000)]);
    expect(judged([over], { promise: parsePromise(promise) }).verdict).toBe(verdict);
    expect(judged([drained], { promise: parsePromise(promise) }).verdict).toBe('unknown');
  });

  it('proves no bucket, and says why', () => {
    expect(judged([drained, idle]).report.proofs).toMatchObject({ open: 0 });
    expect(judged([drained]).report.proofs).toMatchObject({
      open: 1,
      whyNone: 'requests of a part of the run are missing',
    });
  });

  it('has a reason for each claim that it cannot judge', () => {
    const { report } = judged([drained]);
    expect(report.claims.filter(({ status }) => status === 'unknown').map(({ reason }) => reason)).toEqual([
      'false-denials <= 0: no denial could be judged: requests of a part of the run are missing',
      'replay <= 0: no decision was replayed: requests of a part of the run are missing',
    ]);
  });

  it('names five of many missing parts', () => {
    const of = Array.from({ length: 9 }, (_, at) => `r${at}`);
    const { why } = judged([{ ...drained, part: partOf('r0', { of }) }]);
    expect(why).toEqual([
      expect.stringMatching(/^the parts r1, r2, r3, r4, r5 and 3 more of the run's 9 parts are missing/),
    ]);
  });

  it('says also that requests are missing from a file', () => {
    const records = [op('allowed', 1)];
    const { why } = judged([part('a', records, { sent: 3 })]);
    expect(why).toEqual([
      expect.stringMatching(/^the part b/),
      '2 of 3 requests sent are missing from the history',
    ]);
  });

  it('has a reason for machines that no reading relates to the others', () => {
    const history = historyOfParts([drained, idle]);
    const parts = { ...(history.parts as HistoryParts), unrelated: ['m'], isWhole: false };
    const { accounts } = checkHistory({ ...history, parts }, OPTIONS);
    expect(accounts).toMatchObject([
      {
        reason: expect.stringMatching(
          /^no reading relates the clock of the parts a, b to .* \(machine m has not\)$/,
        ),
      },
    ]);
  });
});

it('the books of each part are in the report', () => {
  const dropped = { type: 'event', event: 'dropped', atUs: 1, args: { region: 'b', requests: 4 } } as const;
  const { report } = judged([drained, { ...idle, records: [dropped] }]);
  expect(report.parts?.files).toMatchObject([
    { part: 'a', sent: 21, outcomes: { allowed: 20, denied: 1, failed: 0, info: 0 }, dropped: 0 },
    { part: 'b', sent: 1, outcomes: { allowed: 1, denied: 0, failed: 0, info: 0 }, dropped: 4 },
  ]);
});

describe('an excess above the bound of a strategy', () => {
  /** A node that restarted with nothing, and then admitted as much as before. */
  const twice = [...times(20, op('allowed', 10, DECIDED)), ...times(20, op('allowed', 2_000, DECIDED))];
  const restart = { type: 'event', event: 'restart', node: 'n', atUs: 1_000, args: { empty: true } } as const;
  const claims = [parseClaim('total-excess <= bound')];
  /** As many tokens as were lost with restarts. */
  const boundOf: CheckOptions['boundOf'] = (_policy, { emptyRestarts }) => {
    const totalExcess = 20 * emptyRestarts;
    return { totalExcess, worstWindow: totalExcess, formula: '' };
  };
  const judge = (parts: readonly PartRecords[]) =>
    judged(parts, { claims, boundOf }).report.claims.find(({ claim }) => claim === 'total-excess <= bound');
  const seen = part('a', twice, { records: [restart] });

  it('is none if the restart was seen', () => {
    expect(judge([seen, idle])).toMatchObject({ status: 'holds', limit: 20 });
  });

  it('fails if no part saw a reason', () => {
    expect(judge([part('a', twice), idle])).toMatchObject({ status: 'broken', limit: 0 });
  });

  it('is unknown while the part that watched the node is missing', () => {
    const { reason, ...found } = judge([part('a', twice)]) ?? {};
    expect(found).toMatchObject({ status: 'unknown', verdict: 'unknown' });
    expect(reason).toMatch(/takeovers or restarts that would raise the bound .* may be missing/);
  });
});
