import { describe, expect, it } from 'vitest';
import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { Header, HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf as anyHeader, type OperationPart, operationOf } from '../../support/history.ts';
import { verify } from './verified.ts';

const S = 1_000_000;
/** One token each 200,000 us, in terms that are not the lowest. */
function headerOf(initial: Header['initial'], capacity: number): HistoryRecord {
  return anyHeader(undefined, { policy: { capacity, refill: { tokens: 5, perUs: S } }, initial });
}

/** A history as a file, its certificate, and what the verifier says. */
async function certified(records: readonly HistoryRecord[]) {
  const reader = new HistoryReader();
  reader.startFile('history.ndjson');
  reader.push(Buffer.from(records.map(encodeRecord).join('')));
  reader.endFile();
  const history = reader.finish();
  const examination = examineHistory(history, { busiest: [], contestedAtLeast: 0, infoAtMost: 1 });
  const certificate = [...certificateRecords(history.operations, examination)];
  return { certificate, ...(await verify(records, certificate)) };
}

it.each([
  {
    title: 'a rate that is not in lowest terms, and a first level',
    header: headerOf('unknown', 20),
    parts: [
      { invokedUs: 0, completedUs: 1, outcome: 'denied' as const },
      { invokedUs: S, completedUs: S + 1, cost: 5 },
      { invokedUs: S + 2, completedUs: S + 3, outcome: 'denied' as const },
    ],
    others: [],
  },
  {
    title: 'times with fractions',
    header: headerOf('full', 1),
    parts: [
      { invokedUs: 5.5, completedUs: 5.75 },
      { invokedUs: 8.25, completedUs: 9.5, outcome: 'denied' as const },
    ],
    others: [],
  },
  {
    title: 'resets of one bucket and of all',
    header: headerOf('full', 1),
    parts: [
      { invokedUs: 0, completedUs: 10 },
      { invokedUs: 120, completedUs: 130 },
      { invokedUs: 220, completedUs: 230 },
      { invokedUs: 240, completedUs: 250, outcome: 'denied' as const },
    ],
    others: [
      { type: 'event', event: 'reset', atUs: 100, args: { bucket: 'b' } },
      { type: 'event', event: 'reset', atUs: 200 },
    ] satisfies HistoryRecord[],
  },
])('the verifier accepts the proof of a history with $title', async ({ header, parts, others }) => {
  const operations = parts.map((part, index) => operationOf(index, part));
  const end: HistoryRecord = { type: 'end', atUs: 2 * S, sent: operations.length };
  const { counts, refused } = await certified([header, ...operations, ...others, end]);
  expect([...refused]).toEqual([]);
  expect(counts).toMatchObject({ proved: 1 });
});

it('a clock of no node is the clock of the recorder', async () => {
  const header = headerOf('full', 1);
  const operations = [
    { invokedUs: 0, completedUs: 10 },
    { invokedUs: 190_000, completedUs: 190_010 },
  ].map((part, index) => operationOf(index, part));
  const records: HistoryRecord[] = [header, ...operations, { type: 'end', atUs: S, sent: 2 }];
  const { counts } = await verify(records, [
    {
      ...({ type: 'certificate', format: 'openclaw-certificate', version: 1, ratePpm: 1_000 } as const),
      ...{ promise: { type: 'token-bucket' }, declaresFalseDenials: false },
    },
    {
      type: 'clock',
      clock: 0,
      nodes: [],
      points: [
        [0, 0],
        [190_000, 190],
      ],
    },
    { type: 'proof', bucket: 'b', proves: 'all', clock: 0, order: [0, 2], momentsUs: [0, 190_200] },
  ]);
  expect(counts).toMatchObject({ proved: 0, refused: 2 }); // its clock, and its proof
});

it('a bucket that its limiter moved is proved by its admissions, and convicted of no denial', async () => {
  const moved: HistoryRecord = {
    ...{ type: 'event', event: 'move', atUs: 100 },
    args: { bucket: 'b', from: 'x', to: 'y', untilUs: 150_000 },
  };
  const certifiedOf = (parts: readonly OperationPart[], others: readonly HistoryRecord[]) => {
    const operations = parts.map((part, index) => operationOf(index, part));
    const end: HistoryRecord = { type: 'end', atUs: 2 * S, sent: operations.length };
    return certified([headerOf('full', 2), ...operations, ...others, end]);
  };
  const denied = (us: number) => ({ invokedUs: us, completedUs: us + 10, outcome: 'denied' as const });
  const lost = [{ invokedUs: 0, completedUs: 10, cost: 2 }, denied(210_000)]; // one token again at 200,010
  const [still, mended] = [await certifiedOf(lost, []), await certifiedOf(lost, [moved])];
  expect(still.counts).toMatchObject({ proved: 0, denial: 1 });
  expect(mended.counts).toMatchObject({ admissionsProved: 1, denial: 0, refused: 0 });
  const late = await certifiedOf([...lost, denied(900_000)], [moved]);
  expect(late.counts).toMatchObject({ admissionsProved: 0, denial: 0, undecided: 1, refused: 0 });
  const forged = await verify(
    [
      headerOf('full', 2),
      ...lost.map((part, index) => operationOf(index, part)),
      { type: 'end', atUs: 2 * S, sent: 2 },
    ],
    mended.certificate,
  );
  expect([...forged.refused.values()]).toEqual(['it leaves out denials without a reason']);
});

describe('V11: the certificate is accepted of', () => {
  const endOf = (sent: number): HistoryRecord => ({ type: 'end', atUs: 9 * S, sent });

  it.each([[0, 1] as const, [1, 0] as const])(
    'attempts of a reservation that expires, in the order %i, %i',
    async (...order) => {
      const id = { decisionId: 's', cost: 2 };
      const settled = { cost: 1, invokedUs: 3_000, completedUs: 3_100, outcome: 'allowed' } as const;
      const attempts = [
        operationOf(0, { ...id, invokedUs: 1_000, completedUs: 1_100, expiresUs: 60 * S, settled }),
        operationOf(1, { ...id, invokedUs: 2_000, completedUs: 2_100 }),
      ];
      const written = order.map((number) => attempts[number] as HistoryRecord);
      const { counts, refused } = await certified([headerOf('full', 3), ...written, endOf(2)]);
      expect([counts.proved, [...refused]]).toEqual([1, []]);
    },
  );

  it.each([
    { title: 'a bucket', parts: [{ cost: 9, invokedUs: 0, completedUs: S }] },
    { title: 'a bucket, by an operation that reports its level', parts: [{ cost: 9, decision: levelOf(0) }] },
    {
      title: 'one of several buckets',
      parts: [{ charges: [charge('a', 9), charge('b', 1)], invokedUs: 0, completedUs: S }],
    },
    {
      title: 'one of several buckets, which an operation of its own charged',
      parts: [
        { charges: [charge('a', 1), charge('b', 1)] },
        { bucket: 'a', cost: 9, invokedUs: 9, completedUs: 3 * S },
      ],
    },
  ])('an admission above the capacity of $title, which is not proved', async ({ parts }) => {
    const operations = parts.map((part, index) => operationOf(index, part));
    const { certificate, counts, refused } = await certified([
      headerOf('full', 5),
      ...operations,
      endOf(parts.length),
    ]);
    expect([counts.proved, counts.admissionsProved, [...refused]]).toEqual([0, 0, []]);
    expect(certificate.some(({ type }) => type === 'proof' || type === 'group')).toBe(false);
  });

  it('the conviction of an admission above the capacity', async () => {
    const records = [headerOf('full', 5), operationOf(0, { cost: 9, completedUs: S }), endOf(1)];
    const excess = { type: 'excess', bucket: 'b', fromUs: 0, untilUs: S, operations: [0] } as const;
    const { certificate } = await certified(records);
    const { counts } = await verify(records, [certificate[0] as CertificateRecord, excess]);
    expect(counts).toMatchObject({ excess: 1, refused: 0 });
  });

  it('a denial whose node had another clock than that of the admissions', async () => {
    const reading = (node: string, aheadUs: number, atUs: number): HistoryRecord => ({
      ...{ type: 'clock', node, atUs, serverUs: atUs + aheadUs, errorUs: 5 },
    });
    const clocks = [0, S].flatMap((us) => [reading('p', 0, us), reading('q', 5 * S, us)]);
    const local = { ...levelOf(0), source: 'fallback', charge: 'none' } as const;
    const operations = [
      { outcome: 'denied' as const, cost: 6, decision: levelOf(0, 'p', 1_000_000) },
      { invokedUs: 10, completedUs: 6 * S, decision: levelOf(5 * S + 15, 'q', 800_000) },
      { invokedUs: 30, completedUs: 40, decision: local },
    ].map((part, index) => operationOf(index, part));
    const { counts, refused } = await certified([headerOf('full', 5), ...operations, ...clocks, endOf(3)]);
    expect([counts.admissionsProved, [...refused]]).toEqual([1, []]);
  });
});

function levelOf(bucketUs: number, node = 'n', levelQuanta = 0) {
  return { strategy: 'central', node, source: 'redis', atUs: bucketUs, bucketUs, levelQuanta } as const;
}

function charge(bucket: string, cost: number) {
  return { bucket, cost };
}
