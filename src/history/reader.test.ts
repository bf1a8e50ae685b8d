import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf, historyOf, operationOf } from '../../test/support/history.ts';
import { bytesOf, contentOf, linesOf, read } from '../../test/support/read-history.ts';
import { KIND } from './columns/table.ts';
import { HistoryReader } from './reader.ts';
import { encodeRecord } from './records/codec.ts';
import { type Operation, OUTCOMES } from './records/operation.ts';

const HEADER = encodeRecord(headerOf());
const END = encodeRecord({ type: 'end', atUs: 9, sent: 1 });
const OP = encodeRecord(operationOf(0, { completedUs: 5 }));

it('an error shows no control characters of the line', () => {
  const reader = new HistoryReader();
  reader.startFile('h');
  expect(() => reader.push(new TextEncoder().encode('x\x1b[31mred\x07\n'))).toThrow(
    /h:1: not JSON: .*x\\u001b\[31mred\\u0007/,
  );
});

it('attempts of one decision are merged in each of its buckets', () => {
  const charges = [
    { bucket: 'b', cost: 1 },
    { bucket: 'c', cost: 2 },
  ];
  const { operations: table } = historyOf([
    { charges, decisionId: 'd', outcome: 'info', invokedUs: 10 },
    { charges, decisionId: 'd', invokedUs: 50, completedUs: 60 },
  ]);
  const kept = Array.from({ length: table.rows }, (_, row) => row)
    .filter((row) => ((table.kinds[row] as number) & KIND.merged) === 0)
    .map((row) => [table.outcomeOf(row), table.costTokens[row], table.invokedUs[row], table.lastUs(row)]);
  expect(kept).toEqual([
    ['allowed', 1, 10, 60],
    ['allowed', 2, 10, 60],
  ]);
});

describe('a sum that no checker can keep exact is refused:', () => {
  const readAt = (policy: string, ...costs: readonly number[]) =>
    historyOf(
      costs.map((cost) => ({ cost })),
      { policy },
    );

  it('an admission of more than 2^52 quanta, by the most that its policy takes', () => {
    expect(() => readAt('10:1/d', 52_124)).not.toThrow();
    expect(() => readAt('10:1/d', 52_125)).toThrow(/must cost at most 52124 tokens .* found 52125/);
    expect(() => readAt('20:5/s', 2 ** 31 - 1)).not.toThrow();
  });

  it('no denial and no refund, at any cost', () => {
    const parts = [{ cost: 2 ** 31 - 1, outcome: 'denied' as const }, { cost: 1 - 2 ** 31 }];
    expect(historyOf(parts, { policy: '10:1/d' }).operations.rows).toBe(2);
  });
});

describe('a value that no column can hold is refused:', () => {
  it('more regions than are places', () => {
    const parts = Array.from({ length: 4_097 }, (_, at) => ({ region: `r${at}` }));
    expect(historyOf(parts.slice(1)).operations.regionOf(4_095)).toBe('r4096');
    expect(() => historyOf(parts)).toThrow(/more than 4096 regions; is region the right field/);
  });

  it('a cost of several charges beyond 31 bits', () => {
    const charges = [1, 2].map(() => ({ bucket: 'b', cost: 2 ** 30 }));
    expect(() => historyOf([{ charges }])).toThrow(/must total less than 2\^31 tokens; found 2147483648/);
  });
});

it('buckets of one name are apart by their policies, however many there are', () => {
  const policies = Object.fromEntries(
    Array.from({ length: 65_550 }, (_, at) => [`p${at}`, { capacity: 1, refill: { tokens: 1, perUs: 1 } }]),
  );
  const parts = [
    { bucket: 'p0', policy: 'p65546' },
    { bucket: 'p1', policy: 'p10' },
  ];
  const { operations } = historyOf(parts, { header: { policies } });
  expect([0, 1].map((bucket) => operations.nameOf(bucket))).toEqual(['p0 (p65546)', 'p1 (p10)']);
});

it.each([
  { title: 'small', costs: [127, -127] },
  { title: 'large', costs: [128, -2_000_000_000] },
])('costs that are $title are kept, in one bucket and in several', ({ costs }) => {
  for (const buckets of [['b'], ['b', 'c']]) {
    const parts = buckets.flatMap((bucket) => costs.map((cost) => ({ bucket, cost })));
    const { costTokens } = historyOf(parts).operations;
    expect([...costTokens]).toEqual(parts.map(({ cost }) => cost));
  }
});

describe('a history', () => {
  it('is read as it was written', () => {
    const decision = {
      strategy: 'central',
      node: 'n',
      source: 'redis',
      bucketUs: 8,
      levelQuanta: 7,
    } as const;
    const history = read(
      linesOf(
        headerOf(),
        operationOf(4, { bucket: 'x', invokedUs: 10, intendedUs: 6, completedUs: 15, cost: 2, decision }),
        { type: 'fault', fault: 'partition', phase: 'inject', atUs: 11, args: { isolate: ['r'] } },
        { type: 'event', event: 'role', node: 'n', atUs: 12, args: { to: 'primary' } },
        { type: 'clock', node: 'n', atUs: 1, serverUs: 2, errorUs: 3 },
        operationOf(5, { bucket: 'y', outcome: 'info', invokedUs: 11, latestUs: 20, error: 'REPLY_LOST' }),
        { type: 'end', atUs: 30, sent: 2 },
      ),
    );
    expect(contentOf(history)).toEqual([
      {
        bucket: ['x'],
        invokedUs: 10,
        lastUs: 15,
        cost: 2,
        kind: 0,
        region: 'r',
        operation: { file: 'h.ndjson', index: 4 },
        level: 7,
        bucketUs: 8,
        dueUs: 6,
      },
      {
        bucket: ['y'],
        invokedUs: 11,
        lastUs: 20,
        cost: 1,
        kind: 3,
        region: 'r',
        operation: { file: 'h.ndjson', index: 5 },
        level: Number.NaN,
        bucketUs: Number.NaN,
        dueUs: undefined,
      },
    ]);
    expect(history.header).toEqual(headerOf());
    expect([history.faults.length, history.events.length, history.clock.length]).toEqual([1, 1, 1]);
    expect(history.outcomes).toEqual({ allowed: 1, denied: 0, failed: 0, info: 1 });
    expect(history.errors).toEqual({ failed: {}, info: { REPLY_LOST: 1 } });
    expect(history.end).toMatchObject({ sent: 2 });
  });

  it('is grouped by bucket, in the order of recording', () => {
    const buckets = ['x', 'y', 'x', 'z', 'y', 'x'];
    const history = read(
      linesOf(headerOf(), ...buckets.map((bucket, index) => operationOf(index, { bucket }))),
    );
    expect(contentOf(history).map(({ bucket, operation }) => `${bucket}${operation.index}`)).toEqual([
      'x0',
      'x2',
      'x5',
      'y1',
      'y4',
      'z3',
    ]);
  });

  it('is the same whether its lines are scanned or parsed, and wherever its chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(anyOperation, { maxLength: 20 }),
        fc.integer({ min: 1, max: 300 }),
        (parts, chunk) => {
          const lines = parts.map((part, index) => encodeRecord({ ...part, index }));
          const scanned = read(HEADER + lines.join(''), { chunk });
          const parsed = read(HEADER + lines.map((line) => line.replace('{', '{ ')).join(''));
          expect(contentOf(scanned)).toEqual(contentOf(parsed));
          expect(scanned.outcomes).toEqual(parsed.outcomes);
          expect(scanned.decisionClock).toEqual(parsed.decisionClock);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it('keeps durations and times that no 32 bits hold', () => {
    const history = read(
      linesOf(
        headerOf(),
        operationOf(0, { invokedUs: 1.7e15, completedUs: 1.7e15 + 5e9 }),
        operationOf(1, { bucket: 'c' }),
      ),
    );
    expect(contentOf(history)[0]).toMatchObject({ invokedUs: 1.7e15, lastUs: 1.7e15 + 5e9 });
  });

  it('of several files is one: their operations, their ends', () => {
    const reader = new HistoryReader();
    for (const name of ['one', 'two']) {
      reader.startFile(name);
      reader.push(bytesOf(HEADER + OP + END));
      reader.endFile();
    }
    const history = reader.finish();
    expect(contentOf(history).map(({ operation }) => operation)).toEqual([
      { file: 'one', index: 0 },
      { file: 'two', index: 0 },
    ]);
    expect(history.end).toMatchObject({ sent: 2 });
    expect(history.operations.bucketCount).toBe(1);
  });

  it.each([
    { title: 'has clocks apart if any has', clocks: ['one', 'apart'], want: { clocks: 'apart' } },
    { title: 'has one clock if all have', clocks: ['one', 'one'], want: { clocks: 'one' } },
    { title: 'has no one clock unless all have it', clocks: ['one', undefined], want: {} },
    { title: 'grants the largest slack of all', slacks: [0, 50_000], want: { clockSlackUs: 50_000 } },
    {
      title: 'grants a millisecond to any without a slack',
      slacks: [undefined, 0],
      want: { clockSlackUs: 1_000 },
    },
  ])('of several files $title', ({ clocks = [], slacks = [], want }) => {
    const reader = new HistoryReader();
    for (const file of [0, 1]) {
      const header = { ...JSON.parse(HEADER), clocks: clocks[file], clockSlackUs: slacks[file] };
      reader.startFile('h');
      reader.push(bytesOf(`${JSON.stringify(header)}\n${END}`));
      reader.endFile();
    }
    const { clocks: one, clockSlackUs } = reader.finish().header;
    expect({ clocks: one, clockSlackUs }).toEqual({ clocks: undefined, clockSlackUs: undefined, ...want });
  });

  it('with an incomplete last line is read without it, and reports it', () => {
    const history = read(HEADER + OP + OP.slice(0, 40));
    expect(history.operations.rows).toBe(1);
    expect(history.files).toEqual([{ name: 'h.ndjson', operations: 1, truncatedLine: 3 }]);
    expect(history.end).toBeUndefined();
  });

  it('whose last line only lacks its newline is whole', () => {
    const history = read(HEADER + OP + END.trimEnd());
    expect(history.files).toEqual([{ name: 'h.ndjson', operations: 1, sent: 1 }]);
  });
});

const text = fc.oneof(
  fc.constantFrom('b', 'u1', 'ratings:ü', 'a"b'),
  fc.string({ minLength: 1, maxLength: 5 }),
);
const time = fc.oneof(fc.nat(1_000), fc.nat(2 ** 31), fc.constantFrom(1.795559409216235e15));
const anyOperation = fc
  .record({
    bucket: text,
    region: text,
    cost: fc.integer({ min: -3, max: 5 }),
    invokedUs: time,
    length: fc.nat(10_000_000),
    late: fc.option(fc.nat(10_000_000)),
    outcome: fc.constantFrom(...OUTCOMES),
    more: fc.record(
      {
        maxCharge: fc.nat(3),
        status: fc.nat(599),
        error: text,
        decision: fc.record({
          strategy: fc.constantFrom('central', 'active-active'),
          node: text,
          source: fc.constantFrom('redis', 'lease', 'fallback'),
          atUs: time,
          bucketUs: time,
          levelQuanta: fc.integer({ min: -5, max: 10 ** 12 }),
        }),
      },
      { requiredKeys: [] },
    ),
  })
  .map(
    ({ length, late, more, ...part }): Operation => ({
      ...operationOf(0, { ...part, completedUs: part.outcome === 'info' ? null : part.invokedUs + length }),
      ...(late === null ? {} : { intendedUs: part.invokedUs - late }),
      ...more,
    }),
  );
