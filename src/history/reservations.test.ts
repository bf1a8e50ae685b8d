import { describe, expect, it } from 'vitest';
import { headerOf, type OperationPart, operationOf } from '../../test/support/history.ts';
import { contentOf, linesOf, read } from '../../test/support/read-history.ts';
import { KIND } from './columns/table.ts';

const { allowed, denied, failed, info, part } = KIND;
const OPEN = Number.POSITIVE_INFINITY;
const reserved: OperationPart = { cost: 10, invokedUs: 0, completedUs: 5 };
const settled = { cost: 3, invokedUs: 20, completedUs: 30, outcome: 'allowed' } as const;
const more = { cost: 4, invokedUs: 10, completedUs: 15 };

const read2 = (...parts: OperationPart[]) =>
  read(linesOf(headerOf(), ...parts.map((one, index) => operationOf(index, one))));
const rowsOf = (...parts: OperationPart[]) =>
  contentOf(read2(...parts)).map(({ invokedUs, lastUs, cost, kind }) => [invokedUs, lastUs, cost, kind]);

describe('a reservation is', () => {
  const take = [0, 5, 10, allowed];
  const later: OperationPart = { bucket: 'c', invokedUs: 90, completedUs: 95 };
  it.each<{ title: string; of: OperationPart; want: unknown }>([
    {
      title: 'a take and what its settlement gives back',
      of: { settled },
      want: [take, [20, 30, -7, allowed | part]],
    },
    {
      title: 'a take alone, settled at all that it holds',
      of: { settled: { ...settled, cost: 10 } },
      want: [take, [20, 30, 0, allowed | part]],
    },
    {
      title: 'a take, if its settlement failed',
      of: { settled: { ...settled, outcome: 'failed' } },
      want: [take, [20, 30, -7, failed | part]],
    },
    {
      title: 'a take that may have given back until a known moment',
      of: { settled: { ...settled, outcome: 'info', completedUs: null, latestUs: 50 } },
      want: [take, [20, 50, -7, info | part]],
    },
    {
      title: 'a take that may give back all of it, if it expires',
      of: { expiresUs: 60 },
      want: [take, [60, OPEN, -10, info | part]],
    },
    {
      title: 'the same, if it expires after the last operation',
      of: { expiresUs: 1_000 },
      want: [take, [1_000, OPEN, -10, info | part]],
    },
    {
      title: 'several takes, if it is extended',
      of: {
        extended: [
          { ...more, outcome: 'allowed' },
          { ...more, outcome: 'denied' },
        ],
        settled,
      },
      want: [take, [10, 15, 4, allowed | part], [10, 15, 4, denied | part], [20, 30, -11, allowed | part]],
    },
    {
      title: 'a take of which it is unknown what comes back, if an extension has no reply',
      of: { extended: [{ ...more, completedUs: null, outcome: 'info' }], settled },
      want: [take, [10, OPEN, 4, info | part], [20, 30, -11, info | part]],
    },
    { title: 'no more than a denial', of: { outcome: 'denied', expiresUs: 9 }, want: [[0, 5, 10, denied]] },
  ])('$title', ({ of, want }) => {
    expect(rowsOf({ ...reserved, ...of }, later)).toEqual([...(want as unknown[]), [90, 95, 1, allowed]]);
  });

  it('one operation with one outcome', () => {
    const { outcomes, files, hasReservations } = read2({ ...reserved, settled }, { completedUs: 5 });
    expect(outcomes).toEqual({ allowed: 2, denied: 0, failed: 0, info: 0 });
    expect(files[0]?.operations).toBe(2);
    expect(hasReservations).toBe(true);
    expect(read2(reserved).hasReservations).toBe(false);
  });

  it('settled once, if attempts of it are settled again', () => {
    const first = {
      ...reserved,
      decisionId: 'r',
      settled: { ...settled, completedUs: null, outcome: 'info' },
    };
    const again = {
      ...reserved,
      decisionId: 'r',
      settled: { ...settled, cost: 5, invokedUs: 40, completedUs: 45 },
    };
    const rows = rowsOf(first as OperationPart, again).filter(
      ([, , , kind]) => !((kind as number) & KIND.merged),
    );
    expect(rows.map(([from, to, cost]) => [from, to, cost])).toEqual([
      [0, 5, 10],
      [20, 45, -7],
    ]);
  });

  it('of each of its buckets, by the costs of each', () => {
    const charges = [
      { bucket: 'a', cost: 10 },
      { bucket: 'b', cost: 5 },
    ];
    const actual = [
      { bucket: 'a', cost: 4 },
      { bucket: 'b', cost: 5 },
    ];
    const of = { ...reserved, charges, settled: { ...settled, charges: actual } };
    expect(contentOf(read2(of)).map(({ bucket, cost }) => [...bucket, cost])).toEqual([
      ['a', 10],
      ['a', -6],
      ['b', 5],
      ['b', 0],
    ]);
  });
});

describe('is refused:', () => {
  const charges = [{ bucket: 'a' }, { bucket: 'a' }];
  it.each<{ title: string; of: object; why: RegExp }>([
    {
      title: 'a settlement above what is held',
      of: { settled: { ...settled, cost: 11 } },
      why: /from 0 to the 10/,
    },
    { title: 'a settlement below 0', of: { settled: { ...settled, cost: -1 } }, why: /at least 0 tokens/ },
    {
      title: 'a settlement without a cost',
      of: { settled: { ...settled, cost: null } },
      why: /cost must be a number/,
    },
    {
      title: 'a settlement that was denied',
      of: { settled: { ...settled, outcome: 'denied' } },
      why: /allowed, failed, info/,
    },
    {
      title: 'a settlement of what was denied',
      of: { outcome: 'denied', settled },
      why: /nothing is reserved/,
    },
    { title: 'a settlement of a refund', of: { cost: -2, settled }, why: /at least 1 token/ },
    {
      title: 'a settlement before it began',
      of: { settled: { ...settled, invokedUs: -1 } },
      why: /after it began/,
    },
    {
      title: 'an extension by nothing',
      of: { extended: [{ ...more, cost: 0, outcome: 'allowed' }] },
      why: /at least 1/,
    },
    { title: 'an extension that is no list', of: { extended: more }, why: /list of extensions/ },
    { title: 'a bucket that is named twice', of: { charges, settled }, why: /each of its buckets once/ },
    { title: 'an expiry that is no time', of: { expiresUs: 'soon' }, why: /expiresUs must be a number/ },
  ])('$title', ({ of, why }) => {
    const line = JSON.stringify({ ...operationOf(0, reserved), ...of });
    expect(() => read(`${linesOf(headerOf())}${line}\n`)).toThrow(why);
  });
});

it('a reservation is written as it is read', () => {
  const decision = { strategy: 'central', node: 'n', source: 'redis', levelQuanta: 7 } as const;
  const operation = operationOf(0, {
    ...reserved,
    settled: { ...settled, decision },
    extended: [{ ...more, outcome: 'allowed' }],
    expiresUs: 50,
  });
  const [line = ''] = linesOf(operation).split('\n');
  const { levelQuanta, ...rest } = decision;
  const written = { ...settled, decision: { ...rest, level: String(levelQuanta) } };
  expect(JSON.parse(line)).toMatchObject({ settled: written, extended: operation.extended, expiresUs: 50 });
});

describe('attempts of one reservation', () => {
  const id = { ...reserved, decisionId: 'job' };
  const extended = [{ ...more, outcome: 'allowed' }] as const;

  it('are refused if one was settled without the extensions of another', () => {
    const parts = [
      { ...id, extended },
      { ...id, settled },
    ];
    const all = () => read2(...parts);
    expect(all).toThrow(/operations 0 and 1 are attempts of one reservation, but hold 14 and 10 tokens/);
    expect(() => read2(...parts.toReversed())).toThrow(/hold 10 and 14 tokens; write settled and extended/);
  });

  it('may all have its steps, or one of them, and other buckets are others', () => {
    const steps = { extended, settled };
    expect(() => read2({ ...id, ...steps }, { ...id, ...steps })).not.toThrow();
    expect(() => read2({ ...id, expiresUs: 60 }, { ...id, ...steps })).not.toThrow();
    expect(() => read2({ ...id, settled }, { ...id, ...steps, bucket: 'other' })).not.toThrow();
  });
});
