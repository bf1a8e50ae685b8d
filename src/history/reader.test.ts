import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf, historyOf, operationOf } from '../../test/support/history.ts';
import { encodeRecord } from './codec.ts';
import type { History } from './history.ts';
import { type HistoryRecord, type Operation, OUTCOMES } from './operation.ts';
import { HistoryReader } from './reader.ts';
import { KIND } from './table.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function read(text: string, { chunk = 65_536, name = 'h.ndjson' } = {}): History {
  const reader = new HistoryReader();
  const bytes = bytesOf(text);
  reader.startFile(name);
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  reader.endFile();
  return reader.finish();
}

const linesOf = (...records: HistoryRecord[]) => records.map(encodeRecord).join('');
const HEADER = encodeRecord(headerOf());
const END = encodeRecord({ type: 'end', atUs: 9, sent: 1 });
const OP = encodeRecord(operationOf(0, { completedUs: 5 }));
const op = (changes: string) =>
  `{"type":"op","index":0,"bucket":"b","invokedUs":3,"completedUs":5,"outcome":"allowed"${changes}}\n`;

/** All there is to know of a table. */
const contentOf = ({ operations: table }: History) =>
  Array.from({ length: table.rows }, (_, row) => ({
    bucket: Array.from({ length: table.bucketCount }, (_, bucket) => bucket)
      .filter(
        (bucket) => row >= (table.starts[bucket] as number) && row < (table.starts[bucket + 1] as number),
      )
      .map((bucket) => table.nameOf(bucket)),
    invokedUs: table.invokedUs[row],
    lastUs: table.lastUs(row),
    cost: table.costTokens[row],
    kind: table.kinds[row],
    region: table.regionOf(row),
    operation: table.operationOf(row),
    level: table.levels?.of(row),
    bucketUs: table.levels?.bucketUs(row),
    dueUs: table.isDue(row) ? table.dueUs(row) : undefined,
  }));

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

describe('what no checker adds up exactly is refused:', () => {
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

  it('no denial, and no refund, whatever it costs', () => {
    const parts = [{ cost: 2 ** 31 - 1, outcome: 'denied' as const }, { cost: 1 - 2 ** 31 }];
    expect(historyOf(parts, { policy: '10:1/d' }).operations.rows).toBe(2);
  });
});

describe('what no column holds is refused:', () => {
  it('more regions than are places', () => {
    const parts = Array.from({ length: 4_097 }, (_, at) => ({ region: `r${at}` }));
    expect(historyOf(parts.slice(1)).operations.regionOf(4_095)).toBe('r4096');
    expect(() => historyOf(parts)).toThrow(/more than 4096 regions, each counted in each file/);
  });

  it('a cost of several charges beyond 31 bits', () => {
    const charges = [1, 2].map(() => ({ bucket: 'b', cost: 2 ** 30 }));
    expect(() => historyOf([{ charges }])).toThrow(/below 2\^31 tokens together; found 2147483648/);
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
    { title: 'has no one clock if any does not say so', clocks: ['one', undefined], want: {} },
    { title: 'grants what any grants', slacks: [0, 50_000], want: { clockSlackUs: 50_000 } },
    {
      title: 'grants a millisecond for any that does not say',
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

  it('that breaks off in its last line is read without it, and says so', () => {
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

/** What one may have been charged beyond its cost. */
const SURPLUS = KIND.info | KIND.part | KIND.surplus;

const fallback = (charge?: 'none' | 'possible') =>
  ({ strategy: 'central', node: 'none', source: 'fallback', ...(charge && { charge }) }) as const;

describe('what is charged', () => {
  const rowsOf = (...parts: Parameters<typeof operationOf>[1][]) =>
    contentOf(read(linesOf(headerOf(), ...parts.map((part, index) => operationOf(index, part))))).map(
      ({ invokedUs, lastUs, cost, kind }) => [invokedUs, lastUs, cost, kind],
    );
  const open = Number.POSITIVE_INFINITY;
  it.each([
    { title: 'an admission', parts: [{ completedUs: 5 }], want: [[0, 5, 1, 0]] },
    {
      title: 'an admission that may have charged twice',
      parts: [{ completedUs: 5, maxCharge: 2 }],
      want: [
        [0, 5, 1, 0],
        [0, open, 1, SURPLUS],
      ],
    },
    {
      title: 'the same, until a known moment',
      parts: [{ completedUs: 5, maxCharge: 2, latestUs: 9 }],
      want: [
        [0, 5, 1, 0],
        [0, 9, 1, SURPLUS],
      ],
    },
    {
      title: 'a denial that may have charged',
      parts: [{ completedUs: 5, outcome: 'denied', maxCharge: 1 }],
      want: [
        [0, 5, 1, 1],
        [0, open, 1, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy, which the shared bucket may charge as well',
      parts: [{ completedUs: 5, cost: 2, decision: fallback() }],
      want: [
        [0, 5, 2, KIND.fallback],
        [0, open, 2, SURPLUS],
      ],
    },
    {
      title: 'a denial by a failure policy, which the shared bucket may charge',
      parts: [{ completedUs: 5, cost: 2, outcome: 'denied', decision: fallback('possible') }],
      want: [
        [0, 5, 2, KIND.fallback | KIND.denied],
        [0, open, 2, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy that says how much at most',
      parts: [{ completedUs: 5, cost: 2, maxCharge: 3, latestUs: 9, decision: fallback('possible') }],
      want: [
        [0, 5, 2, KIND.fallback],
        [0, 9, 1, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy that the shared bucket certainly does not charge',
      parts: [{ completedUs: 5, cost: 2, decision: fallback('none') }],
      want: [[0, 5, 2, KIND.fallback]],
    },
    {
      title: 'several charges of which a failure policy decided: each may be charged as well',
      parts: [
        {
          completedUs: 5,
          decision: fallback(),
          charges: [
            { bucket: 'x', cost: 1 },
            { bucket: 'y', cost: 2 },
          ],
        },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.several],
        [0, open, 1, SURPLUS | KIND.several],
        [0, 5, 2, KIND.fallback | KIND.several | KIND.part],
        [0, open, 2, SURPLUS | KIND.several],
      ],
    },
    {
      title: 'attempts of which a failure policy allowed one and the shared bucket one: when that one says',
      parts: [
        { decisionId: 'd', completedUs: 5, decision: fallback('none') },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.joined | KIND.merged],
        [0, 15, 1, KIND.joined],
      ],
    },
    {
      title:
        'attempts of which a failure policy allowed one and one had no reply: an admission and an open charge',
      parts: [
        { decisionId: 'd', completedUs: 5, decision: fallback('none') },
        { decisionId: 'd', invokedUs: 10, outcome: 'info' },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.joined],
        [0, open, 1, KIND.info | KIND.joined],
      ],
    },
    {
      title: 'a take and its refund under one id: both',
      parts: [
        { decisionId: 'd', completedUs: 5, cost: 2 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, cost: -2 },
      ],
      want: [
        [0, 5, 2, 0],
        [10, 15, -2, 0],
      ],
    },
    {
      title: 'two attempts of a take and two of its refund under one id: one of each',
      parts: [
        { decisionId: 'd', outcome: 'info', cost: 2 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, cost: 2 },
        { decisionId: 'd', invokedUs: 20, outcome: 'info', cost: -2 },
        { decisionId: 'd', invokedUs: 30, completedUs: 35, cost: -2 },
      ],
      want: [
        [0, open, 2, KIND.info | KIND.joined | KIND.merged],
        [0, 15, 2, KIND.joined],
        [20, open, -2, KIND.info | KIND.joined | KIND.merged],
        [20, 35, -2, KIND.joined],
      ],
    },
    { title: 'a refund', parts: [{ completedUs: 5, cost: -3 }], want: [[0, 5, -3, 0]] },
    {
      title: 'attempts of which one was allowed: one charge from the first invocation to that completion',
      parts: [
        { decisionId: 'd', outcome: 'info' },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, open, 1, 11 | KIND.joined],
        [0, 15, 1, KIND.joined],
      ],
    },
    {
      title: 'attempts of which several were allowed: until the first of their completions',
      parts: [
        { decisionId: 'd', completedUs: 30 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, 15, 1, KIND.joined],
        [10, 15, 1, 8 | KIND.joined],
      ],
    },
    {
      title: 'attempts without a reply: one open charge',
      parts: [
        { decisionId: 'd', outcome: 'info', latestUs: 20 },
        { decisionId: 'd', invokedUs: 10, outcome: 'info', latestUs: 40 },
      ],
      want: [
        [0, 40, 1, 3 | KIND.joined],
        [10, 40, 1, 11 | KIND.joined],
      ],
    },
    {
      title: 'attempts of which one was denied: both keep their own',
      parts: [
        { decisionId: 'd', outcome: 'info' },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, outcome: 'denied' },
      ],
      want: [
        [0, open, 1, 3 | KIND.joined],
        [10, 15, 1, 1 | KIND.joined],
      ],
    },
    {
      title: 'attempts of different decisions',
      parts: [
        { decisionId: 'd', completedUs: 5 },
        { decisionId: 'e', completedUs: 5 },
      ],
      want: [
        [0, 5, 1, 0],
        [0, 5, 1, 0],
      ],
    },
    {
      title: 'several charges of one decision',
      parts: [
        {
          completedUs: 5,
          charges: [
            { bucket: 'x', cost: 1 },
            { bucket: 'y', cost: 2 },
          ],
        },
      ],
      want: [
        [0, 5, 1, 16],
        [0, 5, 2, 20],
      ],
    },
  ] as const)('by $title', ({ parts, want }) => expect(rowsOf(...parts)).toEqual(want));
});

describe('a bad history is refused with file, line and reason:', () => {
  it.each([
    {
      title: 'an empty file',
      text: '',
      says: 'h.ndjson:1: the file is empty: a history begins with a header',
    },
    {
      title: 'another version',
      text: HEADER.replace('"version":1', '"version":2'),
      says: 'h.ndjson:1: version must be 1, the only one this program reads; found 2',
    },
    {
      title: 'another format',
      text: '{"type":"header","format":"jepsen"}\n',
      says: 'h.ndjson:1: format must be "openclaw-history"; found "jepsen"',
    },
    {
      title: 'no policy',
      text: '{"type":"header","format":"openclaw-history","version":1}\n',
      says: 'h.ndjson:1: the header names no policy',
    },
    {
      title: 'a policy of nothing',
      text: HEADER.replace('"capacity":20', '"capacity":0'),
      says: 'h.ndjson:1: capacity must be a whole number of tokens',
    },
    { title: 'no header', text: OP, says: 'h.ndjson:1: the first line must be the header' },
    {
      title: 'an operation after the end',
      text: HEADER + END + OP,
      says: 'h.ndjson:3: an operation after the end record',
    },
    {
      title: 'a second end, which would count other operations',
      text: HEADER + OP + END + END.replace('"sent":1', '"sent":2'),
      says: 'h.ndjson:4: a second end record in one file',
    },
    {
      title: 'a level that no number holds',
      text: HEADER + op(',"decision":{"level":"9007199254740992"}'),
      says: 'h.ndjson:2: decision.level must be a decimal string of quanta within 2^53',
    },
    {
      title: 'half a pair of surrogates, which would be another one as well',
      text: HEADER + op(',"decisionId":"\\ud800"'),
      says: 'h.ndjson:2: decisionId must be text that UTF-8 can hold',
    },
    {
      title: 'a policy whose name would be that of another one',
      text: HEADER.replace(
        '"policy":',
        '"policies":{"\\udc00":{"capacity":1,"refill":{"tokens":1,"perUs":1}}},"policy":',
      ),
      says: 'h.ndjson:1: the name of a policy must be text that UTF-8 can hold',
    },
    { title: 'two headers', text: HEADER + HEADER, says: 'h.ndjson:2: a second header' },
    {
      title: 'completed before invoked',
      text: HEADER + OP.replace('"completedUs":5', '"completedUs":-1'),
      says: 'h.ndjson:2: completed before it was invoked: completedUs -1, invokedUs 0',
    },
    {
      title: 'due after it was sent',
      text: HEADER + OP.replace('"completedUs":5', '"completedUs":5,"intendedUs":1'),
      says: 'h.ndjson:2: intendedUs must not be after invokedUs (0); found 1',
    },
    { title: 'a duplicate index', text: HEADER + OP + OP, says: 'h.ndjson:3: index 0 was there before' },
    {
      title: 'an unknown outcome',
      text: HEADER + OP.replace('allowed', 'maybe'),
      says: 'h.ndjson:2: outcome must be one of allowed, denied, failed, info; found "maybe"',
    },
    {
      title: 'an operation without bucket',
      text: HEADER + OP.replace('"bucket":"b",', ''),
      says: 'h.ndjson:2: an operation needs a bucket; found undefined',
    },
    {
      title: 'an unknown policy',
      text: HEADER + op(',"policy":"gold"'),
      says: 'h.ndjson:2: the header has no policy of the name "gold"',
    },
    {
      title: 'an unknown type',
      text: `${HEADER}{"type":"opp"}\n`,
      says: 'h.ndjson:2: type must be one of header, op, event, fault, clock, end; found "opp"',
    },
    { title: 'what is no JSON', text: `${HEADER}{"type"\n${OP}`, says: 'h.ndjson:2: not JSON' },
    {
      title: 'a number that begins with zero',
      text: HEADER + OP.replace('"index":0', '"index":007'),
      says: 'h.ndjson:2: not JSON',
    },
    {
      title: 'a fraction of a token',
      text: HEADER + op(',"cost":0.5'),
      says: 'h.ndjson:2: cost must be a whole number of tokens',
    },
    {
      title: 'a level that is no string',
      text: HEADER + op(',"decision":{"level":3}'),
      says: 'h.ndjson:2: decision.level must be a decimal string',
    },
    {
      title: 'attempts of different costs',
      text:
        HEADER + op(',"decisionId":"d"') + op(',"decisionId":"d","cost":2').replace('"index":0', '"index":1'),
      says: 'h.ndjson: attempts that share a decisionId must have one cost',
    },
  ])('$title', ({ text, says }) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_HISTORY', message: expect.stringContaining(says) }),
    );
  });

  it('a line of a gigabyte, without holding it', () => {
    const reader = new HistoryReader();
    reader.startFile('h.ndjson');
    reader.push(bytesOf(HEADER));
    const chunk = new Uint8Array(65_536).fill(97);
    let pushed = 0;
    expect(() => {
      for (; pushed < 1_024 ** 3; pushed += chunk.length) reader.push(chunk);
    }).toThrow(/h\.ndjson:2: the line is longer than 1 MiB/);
    expect(pushed).toBeLessThan(2 * 1_048_576);
  });

  it('files of different policies', () => {
    const reader = new HistoryReader();
    reader.startFile('one');
    reader.push(bytesOf(HEADER));
    reader.endFile();
    reader.startFile('two');
    expect(() => reader.push(bytesOf(encodeRecord(headerOf('10:5/s'))))).toThrow(
      /two:1: its policies differ/,
    );
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
