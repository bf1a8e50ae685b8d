import { describe, expect, it } from 'vitest';
import { headerOf } from '../../../test/support/history.ts';
import { DIGEST, historyOfParts, partOf } from '../../../test/support/part-history.ts';
import { HistoryBuilder } from '../columns/builder.ts';
import { KIND } from '../columns/table.ts';
import type { HistoryRecord } from '../records/operation.ts';

const reading = { type: 'clock', node: 'm', atUs: 1, serverUs: 2, errorUs: 3, source: 'machine' } as const;

function build(...files: readonly HistoryRecord[][]) {
  const builder = new HistoryBuilder();
  for (const [at, records] of files.entries()) {
    builder.startFile(`${at}`);
    for (const record of records) builder.add(record);
    builder.endFile();
  }
  return builder.build();
}

describe('the parts of a history', () => {
  it('are absent of a history of one recorder', () => {
    expect(build([headerOf()]).parts).toBeUndefined();
  });

  it('are whole with one complete file of each', () => {
    expect(historyOfParts([{}, { part: partOf('b') }]).parts).toMatchObject({
      files: [
        { file: '0.ndjson', part: 'a', machine: 'machine-a', isComplete: true },
        { file: '1.ndjson', part: 'b', machine: 'machine-b', isComplete: true },
      ],
      missing: [],
      cutShort: [],
      isWhole: true,
    });
  });

  it.each([
    { title: 'a missing part', parts: [{}], want: { missing: ['b'], cutShort: [], isWhole: false } },
    {
      title: 'a part cut short',
      parts: [{ isCut: true }, { part: partOf('b') }],
      want: { missing: [], cutShort: ['a'], isWhole: false },
    },
  ])('are not whole: $title', ({ parts, want }) => {
    expect(historyOfParts(parts).parts).toMatchObject(want);
  });

  it.each([
    { why: 'double', isWhole: false },
    { why: 'copy', isWhole: true },
    { why: 'plan', isWhole: true },
  ] as const)('with a $why left out are whole: $isWhole', ({ why, isWhole }) => {
    const leftOut = [{ file: 'x', part: 'a', why }];
    const { parts } = historyOfParts([{}, { part: partOf('b') }], { leftOut });
    expect(parts).toMatchObject({ leftOut, isWhole });
  });

  it.each([
    { title: 'a file that is no part', files: [{ part: partOf() }, {}], why: /no part of a run/ },
    {
      title: 'a part after a file that is none',
      files: [{}, { part: partOf() }],
      why: /the first file is none/,
    },
    { title: 'a part twice', files: [{ part: partOf() }, { part: partOf() }], why: /a was read already/ },
    {
      title: 'another plan',
      files: [{ part: partOf() }, { part: partOf('b', { plan: DIGEST }) }],
      why: /its plan differs/,
    },
    {
      title: 'another run',
      files: [{ part: partOf() }, { part: partOf('b', { run: 'other' }) }],
      why: /of run other, the first file of run run/,
    },
    {
      title: 'another list of parts',
      files: [{ part: partOf() }, { part: partOf('b', { of: ['a', 'b', 'c'] }) }],
      why: /its list of parts differs/,
    },
  ])('refuse $title', ({ files, why }) => {
    expect(() => build(...files.map((changes) => [headerOf(undefined, changes)]))).toThrow(why);
  });

  it('may list the parts in any order', () => {
    const of = ['b', 'a'];
    expect(historyOfParts([{}, { part: partOf('b', { of }) }]).parts?.isWhole).toBe(true);
  });

  it.each([
    {
      title: 'an end without a digest',
      records: [{ type: 'end', atUs: 0, sent: 0 }],
      why: /must have a digest/,
    },
    {
      title: 'a record after the end',
      records: [{ type: 'end', atUs: 0, sent: 0, digest: DIGEST }, reading],
      why: /a record after the end record of a part/,
    },
  ] as const)('refuse $title', ({ records, why }) => {
    expect(() => build([headerOf(undefined, { part: partOf() }), ...records])).toThrow(why);
  });
});

it('a clock of another machine is read by a part only, and has the machine of its part', () => {
  const { clock } = historyOfParts([{ records: [reading] }]);
  expect(clock).toEqual([{ ...reading, machine: 'machine-a' }]);
  expect(() => build([headerOf(), reading])).toThrow(/in a file that is no part of a run/);
});

it('a thousand parts may have several instances each', () => {
  const of = Array.from({ length: 1_000 }, (_, at) => `r${at}`);
  const operations = Array.from({ length: 5 }, (_, at) => ({ instance: `i${at}` }));
  const { parts, operations: table } = historyOfParts(
    of.map((name) => ({ part: partOf(name, { of }), operations })),
  );
  expect([parts?.isWhole, table.regionOf(4_999), table.instanceOf(4_999)]).toEqual([true, 'r999', 'i4']);
});

describe('attempts of one decision', () => {
  const parts = (machine: string, bucket = 'b') => [
    { operations: [{ decisionId: 'd\x1b[2J', completedUs: 30 }] },
    { part: partOf('b', { machine }), operations: [{ decisionId: 'd\x1b[2J', bucket, completedUs: 20 }] },
  ];

  it('may be in two parts of one machine, as one decision', () => {
    const { operations: table } = historyOfParts(parts('machine-a'));
    const merged = [0, 1].map((row) => (table.kinds[row] as number) & KIND.merged);
    expect(merged.filter((bit) => bit === 0)).toHaveLength(1);
  });

  it('are refused in parts of two machines, whose times cannot be compared', () => {
    expect(() => historyOfParts(parts('machine-b'))).toThrow(
      /^decisionId "d\\u001b\[2J" has attempts of machine machine-a, too; all attempts/,
    );
  });

  it('are two decisions in two buckets', () => {
    expect(historyOfParts(parts('machine-b', 'c')).operations.rows).toBe(2);
  });
});

it('events and faults have the machine of their part', () => {
  const records = [
    { type: 'event', event: 'role', atUs: 1 },
    { type: 'fault', fault: 'x', phase: 'inject', atUs: 2 },
  ] as const;
  const { events, faults } = historyOfParts([{}, { part: partOf('b'), records }]);
  expect([events, faults]).toMatchObject([[{ machine: 'machine-b' }], [{ machine: 'machine-b' }]]);
});

it('decisions are readings of their node by the machine that has seen them', () => {
  const decision = { strategy: 'central', node: 'n', source: 'redis', atUs: 500, bucketUs: 500 } as const;
  const operations = [{ invokedUs: 10, completedUs: 20, decision }];
  const { decisionClock } = historyOfParts([{ operations }, { part: partOf('b'), operations }]);
  expect(decisionClock.map(({ machine, node, atUs }) => [machine, node, atUs])).toEqual([
    ['machine-a', 'n', 15],
    ['machine-b', 'n', 15],
  ]);
});
