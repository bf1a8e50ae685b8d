import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { ClockReading, HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import type { Part } from '../../../src/history/records/part.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { CORRECT } from '../planted/correct.ts';
import { EPOCH_US } from '../planted/limiter.ts';
import { runSpecimen } from '../planted/run.ts';
import { forge, HEAD } from './forge.ts';
import { complete, inParts, withDelays } from './part-runs.ts';
import { verifyFiles } from './verified.ts';

const S = 1_000_000;
/** How far the clock of machine b is ahead of that of machine a, which all have read. */
const AHEAD_US = 1_000 * S;

interface Made {
  readonly part?: Partial<Part>;
  readonly operations?: readonly Partial<Operation>[];
  /** By how much its pings may be wrong. */
  readonly errorUs?: number;
  readonly readings?: readonly ClockReading[];
}

/** A part of the two parts a and b; all times are of its machine. */
function partOf(
  name: 'a' | 'b',
  { part, operations = [], errorUs = 100, readings = [] }: Made = {},
): HistoryRecord[] {
  const aheadUs = name === 'a' ? 0 : AHEAD_US;
  const pings = Array.from({ length: 20 }, (_, second): ClockReading => {
    const serverUs = second * S;
    return {
      ...{ type: 'clock', source: 'machine', node: 'machine-a' },
      ...{ atUs: serverUs + aheadUs, serverUs, errorUs },
    };
  });
  const own = { run: 'run', plan: 'f'.repeat(64), name, of: ['a', 'b'], machine: `machine-${name}` };
  return complete([
    headerOf('20:5/s', { part: { ...own, ...part } }),
    ...operations.map((one, index) => operationOf(index, one)),
    ...pings,
    ...readings,
    { type: 'end', atUs: 20 * S + aheadUs, sent: operations.length },
  ]);
}

const take = (us: number): Partial<Operation> => ({ invokedUs: us, completedUs: us + 1_000, cost: 20 });
const clock: CertificateRecord = {
  ...{ type: 'clock', clock: 0, nodes: [] },
  offsets: { 'machine-a': [[0, 0]], 'machine-b': [[0, -AHEAD_US]] },
};
const proof: CertificateRecord = {
  ...{ type: 'proof', bucket: 'b', proves: 'all', clock: 0 },
  ...{ order: [0, 2], momentsUs: [5 * S, 4 * S] },
};

const [a, b] = [
  partOf('a', { operations: [take(5 * S)] }),
  partOf('b', { operations: [take(9 * S + AHEAD_US)] }),
];

it('a proof of two parts is verified on the clock that their machines have read', async () => {
  const { counts, refused } = await verifyFiles([a, b], [HEAD, clock, proof]);
  expect({ ...counts, refused: [...refused] }).toMatchObject({ proved: 1, refused: [] });
});

it.each([
  {
    title: 'a moment that only a wider interval has',
    records: [clock, { ...proof, momentsUs: [5 * S, 4 * S + 1_001] }],
    says: 'operation 1 is outside its interval',
  },
  {
    title: 'an offset that the pings contradict',
    records: [{ ...clock, offsets: { 'machine-a': [[0, 0]], 'machine-b': [[0, 200 - AHEAD_US]] } }, proof],
    says: 'its clock is missing',
  },
  {
    title: 'machines that have each the offset of the other',
    records: [{ ...clock, offsets: { 'machine-b': [[0, 0]], 'machine-a': [[0, -AHEAD_US]] } }, proof],
    says: 'its clock is missing',
  },
  {
    title: 'a clock of no node and no machine',
    records: [{ ...clock, offsets: { 'machine-a': [[0, 5]], 'machine-b': [[0, 5 - AHEAD_US]] } }, proof],
    says: 'its clock is missing',
  },
  {
    title: 'a clock without one of the machines',
    records: [{ ...clock, offsets: { 'machine-a': [[0, 0]] } }, proof],
    says: 'its clock is missing',
  },
  {
    title: 'the clock of a single recorder',
    records: [{ type: 'clock', clock: 0, nodes: [], points: [[0, 0]] }, proof],
    says: 'its clock is missing',
  },
])('it refuses $title', async ({ records, says }) => {
  const { refusals, exitCode } = await verifyFiles([a, b], [HEAD, ...(records as CertificateRecord[])]);
  expect(refusals.at(-1)).toEqual(['b', says]);
  expect(exitCode).toBe(1);
});

const altered = b.map((record) => (record.type === 'op' ? { ...record, cost: 19 } : record));
const decision = { decisionId: 'one' };

describe('it refuses a history', () => {
  it.each([
    { title: 'without one of the parts', files: [a], says: /the run has the parts a, b; found a$/m },
    { title: 'with a part twice', files: [a, b, partOf('b')], says: /the parts a, b; found a, b, b$/m },
    {
      title: 'with a part of another plan',
      files: [a, partOf('b', { part: { plan: '0'.repeat(64) } })],
      says: /found a, a file of another run/,
    },
    {
      title: 'with a part of another run',
      files: [a, partOf('b', { part: { run: 'later' } })],
      says: /found a, a file of another run/,
    },
    {
      title: 'with a file that is no part',
      files: [a, [headerOf('20:5/s'), { type: 'end', atUs: 0, sent: 0 }]],
      says: /found a, a file of another run/,
    },
    {
      title: 'with a part that was altered',
      files: [a, altered],
      says: /the part b was cut short, or altered/,
    },
    { title: 'with a part that was cut short', files: [a, b.slice(0, -1)], says: /the part b was cut short/ },
    {
      title: 'with a part that goes on after its end',
      files: [a, [...b, { type: 'event', event: 'reset', atUs: 0 }]],
      says: /the part b was cut short, or altered/,
    },
    {
      title: 'with a machine that has not read the clock',
      files: [a, complete(b.filter(({ type }) => type !== 'clock'))],
      says: /the part b has no reading of the clock machine-a/,
    },
    {
      title: 'with attempts of one decision on two machines',
      files: [
        partOf('a', { operations: [{ ...take(5 * S), ...decision }] }),
        partOf('b', { operations: [{ ...take(9 * S + AHEAD_US), ...decision }] }),
      ],
      says: /a decision has attempts on several machines/,
    },
  ] as const)('$title', async ({ files, says }) => {
    await expect(verifyFiles(files as unknown as HistoryRecord[][], [HEAD, clock, proof])).rejects.toThrow(
      says,
    );
  });
});

describe('a conviction of parts', () => {
  const excess: CertificateRecord = {
    ...{ type: 'excess', bucket: 'b', fromUs: 0, untilUs: 0 },
    operations: [0, 1],
  };
  const confirmed = async (atUs: number, errorUs = 100) => {
    const files = [
      partOf('a', { operations: [take(5 * S)] }),
      partOf('b', { operations: [take(atUs)], errorUs }),
    ];
    return (await verifyFiles(files, [HEAD, excess])).counts;
  };

  it('is confirmed if the admissions were close together', async () =>
    expect(await confirmed(6 * S + AHEAD_US)).toMatchObject({ excess: 1, undecided: 0 }));

  it('is not confirmed if they only look so, by the clocks of their machines', async () =>
    expect(await confirmed(6 * S)).toMatchObject({ excess: 0, undecided: 1 }));

  it('is not confirmed if the readings leave open when they were', async () =>
    expect(await confirmed(6 * S + AHEAD_US, 5 * S)).toMatchObject({ excess: 0, undecided: 1 }));

  const read = (node: string, atUs: number, serverUs: number): ClockReading => {
    const source = node === 'n' ? {} : ({ source: 'machine' } as const);
    return { type: 'clock', ...source, node, errorUs: 100, atUs, serverUs };
  };
  const ofNode = [0, 10, 20].map((second) => read('n', second * S, second * S));
  const late = [0, 1_000].map((us) => read('machine-a', 500 * S + us + AHEAD_US, 500 * S + 101 * us));
  it.each([
    { title: 'a node is two servers', readings: [ofNode, [read('n', 10 * S + AHEAD_US, 11 * S)]], of: 'n' },
    { title: 'the clock of a machine stepped', readings: [[], late], of: 'machine-b' },
    { title: 'two machines have one name', readings: [[read('machine-a', 0, S)], []], of: 'machine-a' },
  ])('is refused if readings contradict each other: $title', async ({ readings: [ofA, ofB], of }) => {
    const files = [
      partOf('a', { operations: [take(5 * S)], readings: ofA ?? [] }),
      partOf('b', { operations: [take(6 * S + AHEAD_US)], readings: ofB ?? [] }),
    ];
    const { counts, refused } = await verifyFiles(files, [HEAD, excess]);
    expect(counts).toMatchObject({ excess: 0, refused: 1 });
    expect([...refused.values()]).toEqual([`readings of ${of} contradict each other`]);
  });

  it('is confirmed if a node’s clock stepped, as both machines have read', async () => {
    const [ofA, ofB] = [0, AHEAD_US].map((aheadUs) =>
      [0, 4, 8, 12, 16].map((second) =>
        read('n', second * S + aheadUs + (aheadUs && S), second * S + (aheadUs && S) + (second < 8 ? 0 : S)),
      ),
    );
    const files = [
      partOf('a', { operations: [take(5 * S)], readings: ofA ?? [] }),
      partOf('b', { operations: [take(6 * S + AHEAD_US)], readings: ofB ?? [] }),
    ];
    expect((await verifyFiles(files, [HEAD, excess])).counts).toMatchObject({ excess: 1, undecided: 0 });
  });
});

describe('the verifier confirms no conviction of a correct limiter in parts:', () => {
  it.each(CORRECT.filter(({ splits }) => splits !== true))('$name', async (specimen) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { records, circumstances } = runSpecimen(specimen, seed, 600);
      const show = (us: number) => EPOCH_US + us * (1 + circumstances.driftPpm / 1_000_000);
      const files = inParts({ records: withDelays(records, seed), nodes: ['n'], show }, seed);
      const { counts } = await verifyFiles(files, [HEAD, ...forge(files.flat(), seed)]);
      expect({ seed, ...counts }).toMatchObject({ seed, excess: 0, denial: 0 });
    }
  });
});
