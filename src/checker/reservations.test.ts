import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { checkHistory } from './check.ts';
import { judgeHistory } from './judge-history.ts';

const S = 1_000_000;
const POLICY = '10:1/s';
const judge = (parts: readonly OperationPart[], options: Parameters<typeof historyOf>[1] = {}) =>
  checkHistory(historyOf(parts, { policy: POLICY, ...options }), { busiest: [] });
const excessOf = (parts: readonly OperationPart[], options: Parameters<typeof historyOf>[1] = {}) =>
  judge(parts, options).overAdmission.totalExcess;

const reserved: OperationPart = { cost: 10, invokedUs: 0, completedUs: 10 };
const settled = { cost: 3, invokedUs: 20, completedUs: 30, outcome: 'allowed' } as const;
const at = (us: number, cost: number): OperationPart => ({ cost, invokedUs: us, completedUs: us });

describe('tokens that may be admitted again:', () => {
  it.each<{ title: string; of: OperationPart; atUs: number; most: number }>([
    { title: 'what a settlement gave back', of: { settled }, atUs: 40, most: 7 },
    { title: 'none before the settlement began', of: { settled }, atUs: 15, most: 0 },
    {
      title: 'none, if the settlement failed',
      of: { settled: { ...settled, outcome: 'failed' } },
      atUs: 40,
      most: 0,
    },
    {
      title: 'as many, if its reply is missing',
      of: { settled: { ...settled, outcome: 'info', completedUs: null } },
      atUs: 40,
      most: 7,
    },
    { title: 'all, once it has expired', of: { expiresUs: 50 }, atUs: 50, most: 10 },
    { title: 'none before it can expire', of: { expiresUs: 50 }, atUs: 49, most: 0 },
    { title: 'the rest alone, if it was settled in time', of: { settled, expiresUs: 50 }, atUs: 60, most: 7 },
    {
      title: 'all, if it may have expired before it was settled',
      of: { settled, expiresUs: 25 },
      atUs: 60,
      most: 10,
    },
    {
      title: 'no more than it held, if neither is known',
      of: { settled: { ...settled, outcome: 'info', completedUs: null }, expiresUs: 50 },
      atUs: 60,
      most: 10,
    },
    {
      title: 'all, if it expired before it was settled without a reply',
      of: {
        settled: { ...settled, cost: 0, invokedUs: 55, outcome: 'info', completedUs: null },
        expiresUs: 50,
      },
      atUs: 51,
      most: 10,
    },
    {
      title: 'what an extension took, too',
      of: {
        cost: 6,
        extended: [{ cost: 4, invokedUs: 12, completedUs: 14, outcome: 'allowed' }],
        settled,
      },
      atUs: 40,
      most: 7,
    },
  ])('$title', ({ of, atUs, most }) => {
    const first = { ...reserved, ...of };
    if (most > 0) expect(excessOf([first, at(atUs, most)])).toBe(0);
    expect(excessOf([first, at(atUs, most + 1)])).toBeGreaterThan(0.99);
  });

  it('earlier than it expires, if the clock of the limiter may be fast', () => {
    const expiring = { ...reserved, expiresUs: 5_000 };
    expect(excessOf([expiring, at(4_500, 9)], { header: { clocks: 'one' } })).toBeGreaterThan(8);
    expect(excessOf([expiring, at(4_500, 9)], { header: { clocks: 'apart' } })).toBe(0);
  });
});

it('an expiry long after the end excuses nothing, whatever the clock may gain until the end', () => {
  const expiring = { ...reserved, expiresUs: 3_600 * S };
  const parts = [expiring, at(500, 9), { ...at(600, 1), outcome: 'denied' as const }];
  for (const header of [{}, { clocks: 'one' }, { clocks: 'apart' }] as const)
    expect(judge(parts, { header })).toMatchObject({ verdict: 'fail', falseDenials: { total: 0 } });
});

it('an expiry long after the end belongs to no span of time', () => {
  const parts = [{ ...reserved, expiresUs: 3_600 * S }, at(S, 1)];
  const faults = [{ type: 'fault', phase: 'inject', fault: 'f', atUs: 100 * S } as const];
  const { phases } = judge(parts, { records: faults });
  expect(phases.map(({ lengthUs, operations }) => ({ lengthUs, operations }))).toEqual([
    { lengthUs: S, operations: 2 },
    { lengthUs: 0, operations: 0 },
  ]);
});

it('a reservation counts with its real cost, where it was taken', () => {
  const extended = [{ cost: 2, invokedUs: 12, completedUs: 14, outcome: 'allowed' }] as const;
  const { phases, sent, outcomes } = judge([{ ...reserved, cost: 8, extended, settled }, at(40, 7)]);
  expect({ sent, ...outcomes }).toMatchObject({ sent: 2, allowed: 2 });
  expect(phases[0]).toMatchObject({ operations: 2, admitted: 10, exactAdmitted: 10 });
});

it('a denied extension is judged as a denial', () => {
  const extended = [{ cost: 1, invokedUs: 5 * S, completedUs: 5 * S, outcome: 'denied' }] as const;
  const { falseDenials } = judge([{ ...reserved, extended }]);
  expect(falseDenials).toMatchObject({ total: 1, judged: 1 });
  const early = [{ ...extended[0], invokedUs: 20, completedUs: 30 }];
  expect(judge([{ ...reserved, extended: early }]).falseDenials).toMatchObject({ total: 0, judged: 1 });
});

it('a denial is false in spite of what came back', () => {
  const denied: OperationPart = { ...at(9 * S, 1), outcome: 'denied' };
  expect(judge([{ ...reserved, settled }, denied]).falseDenials.total).toBe(1);
});

it('an attempt that may have made an expired reservation again excuses a denial, and no admission', () => {
  const of = { ...reserved, decisionId: 'job' };
  const again = { ...of, invokedUs: 2 * S, completedUs: 2 * S + 10 };
  const denied: OperationPart = { ...at(2.05 * S, 1), outcome: 'denied' };
  const falseOf = (parts: OperationPart[]) => judge(parts).falseDenials.total;
  expect(falseOf([{ ...of, expiresUs: S }, again, denied])).toBe(0);
  expect(
    falseOf([
      of,
      {
        ...again,
        expiresUs: 3 * S,
        settled: { ...settled, cost: 10, invokedUs: 2.3 * S, completedUs: 2.4 * S },
      },
      denied,
    ]),
  ).toBe(0);
  expect(falseOf([of, again, denied])).toBe(1);
  expect(excessOf([{ ...of, expiresUs: S }, again, at(2 * S + 20, 10)])).toBe(0);
  expect(excessOf([{ ...of, expiresUs: S }, again, at(2 * S + 20, 10), at(2 * S + 30, 5)])).toBeGreaterThan(
    2.9,
  );
});

it('a reservation without a reply was admitted if it was settled', () => {
  const lost: OperationPart = { ...reserved, outcome: 'info', completedUs: null };
  const kept = { ...settled, cost: 10 };
  expect(excessOf([{ ...lost, settled: kept }, at(40, 10)])).toBeGreaterThan(9.9);
  expect(judge([{ ...lost, settled: kept }]).outcomes).toMatchObject({ allowed: 1, info: 0 });
  const unanswered = { ...kept, outcome: 'info', completedUs: null } as const;
  expect(excessOf([{ ...lost, settled: unanswered }, at(40, 10)])).toBe(0);
});

it('a reservation whose first reply was lost gives back once, at its settlement or its expiry', () => {
  const lost: OperationPart = { ...reserved, decisionId: 'job', outcome: 'info', completedUs: null };
  const again: OperationPart = { ...reserved, decisionId: 'job', invokedUs: 12, completedUs: 15 };
  const parts = [
    { ...lost, expiresUs: 500 },
    { ...again, expiresUs: 500, settled: { ...settled, cost: 0 } },
    at(40, 10),
  ];
  expect(excessOf(parts)).toBe(0);
  expect(excessOf([...parts, at(600, 10)])).toBeGreaterThan(9.9);
});

it('levels are not replayed where a reservation was settled', () => {
  const decision = {
    strategy: 'central',
    node: 'n',
    source: 'redis',
    bucketUs: 40,
    levelQuanta: 5 * S,
  } as const;
  const wrong = { ...at(40, 1), decision };
  const first = { ...reserved, decision: { ...decision, bucketUs: 5, levelQuanta: 0 } };
  expect(judge([first, wrong]).replay.total).toBe(1);
  expect(judge([{ ...first, settled: { ...settled, cost: 10 } }, wrong]).replay).toMatchObject({
    total: 0,
    replayed: 0,
  });
});

it('no denial is judged in a history that lacks its open reservations', () => {
  const denied: OperationPart = { ...at(9 * S, 1), outcome: 'denied' };
  const parts = [{ ...reserved, settled }, denied, at(10 * S, 1)];
  const { falseDenials } = judge(parts, { sent: null });
  expect(falseDenials).toMatchObject({ total: 0, judged: 0 });
  expect(falseDenials.whyNot).toMatch(/reservations that were open/);
  expect(judge([reserved, denied, at(10 * S, 1)], { sent: null }).falseDenials.judged).toBe(1);
});

it('a reservation may have been open at the end of a history, whatever its header says of refunds', () => {
  const other: OperationPart = { ...reserved, bucket: 'v', settled: { ...settled, cost: 10 } };
  const parts = [other, at(S, 10), at(S + 1, 10)];
  const header = { refunds: 'none' } as const;
  expect(judge(parts, { header }).verdict).toBe('fail');
  expect(judge(parts, { header, sent: null }).overAdmission.totalExcess).toBe(0);
});

it('a window may get back what expired early, since the clock of the limiter was stepped', () => {
  const parts: OperationPart[] = [
    { ...at(S, 10), expiresUs: 2 * S },
    at(1.5 * S, 10),
    { ...at(4 * S, 1), outcome: 'denied' },
  ];
  const readings = (stepUs: number) =>
    Array.from({ length: 100 }, (_, number) => ({
      ...({ type: 'clock', node: 'n', atUs: number * 50_000, errorUs: 20 } as const),
      serverUs: 1e15 + number * 50_000 + (number * 50_000 > 1.1 * S ? stepUs : 0),
    }));
  const broken = (stepUs: number) =>
    judgeHistory(historyOf(parts, { policy: POLICY, records: readings(stepUs) }), {
      promise: 'sliding-window:10/10s',
    }).windows.total;
  expect(broken(0)).toBe(1);
  expect(broken(600_000)).toBe(0);
});
