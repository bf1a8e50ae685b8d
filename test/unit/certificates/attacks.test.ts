import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { ClockReading, Header, HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, type OperationPart, operationOf } from '../../support/history.ts';
import { HEAD } from './forge.ts';
import { verify } from './verified.ts';

const S = 1_000_000;
const DATE_US = 1_800_000_000 * S;

function recordsOf(
  header: Header,
  parts: readonly OperationPart[],
  others: readonly HistoryRecord[] = [],
): HistoryRecord[] {
  const operations = parts.map((part, index) => operationOf(index, part));
  return [header, ...operations, ...others, { type: 'end', atUs: 9 * S, sent: parts.length }];
}

/** An operation that took a few microseconds. */
const at = (us: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: us,
  completedUs: us + 5,
  ...part,
});

const RECORDER = { type: 'clock', clock: 0, nodes: [], points: [[0, 0]] } as const;
const proofOf = (order: readonly number[], momentsUs: readonly number[], more: object = {}) =>
  ({
    ...{ type: 'proof', bucket: 'b', proves: 'all', clock: 0, order, momentsUs },
    ...more,
  }) as CertificateRecord;

/** What the verifier says of each record, and its counts; `forged` are any records. */
async function found(records: readonly HistoryRecord[], forged: readonly object[]) {
  const { counts, refusals } = await verify(records, [HEAD, ...forged] as CertificateRecord[]);
  const { proved, admissionsProved, excess, denial, replay, refused } = counts;
  const says = refusals.map(([, why]) => why);
  return { proved, admissionsProved, excess, denial, replay, refused, says };
}

describe('V8: a conviction is of one bucket, which is guilty:', () => {
  const guilty = [0, 10, 20, 30].map((us) => at(us, { bucket: 'guilty' }));
  const innocent = ['x', 'y'].flatMap((bucket) => [
    at(0, { bucket }),
    at(10, { bucket }),
    at(20, { bucket, outcome: 'denied' }),
  ]);
  const records = recordsOf(headerOf('2:1/s'), [
    ...guilty,
    at(50, { bucket: 'guilty', outcome: 'denied', cost: 0 }),
    ...innocent,
  ]);
  const members = ['guilty', 'x', 'y'].map((bucket) => ({ bucket }));
  const window = { fromUs: 0, untilUs: 35, operations: [0, 1, 2, 3] };

  it.each([
    { title: 'an excess', record: { type: 'excess', members, ...window } },
    { title: 'an excess that also names one', record: { type: 'excess', bucket: 'x', members, ...window } },
    { title: 'a denial', record: { type: 'denial', members, operation: 4 } },
    { title: 'a replay', record: { type: 'replay', members, operation: 0 } },
    { title: 'a proof', record: { ...proofOf([], []), members } },
  ])('$title with members is refused', async ({ record }) => {
    const { excess, denial, replay, proved, refused } = await found(records, [RECORDER, record]);
    expect({ excess, denial, replay, proved, refused }).toEqual({
      ...{ excess: 0, denial: 0, replay: 0, proved: 0, refused: 1 },
    });
  });

  it('the guilty one is convicted', async () => {
    expect(await found(records, [{ type: 'excess', bucket: 'guilty', ...window }])).toMatchObject({
      ...{ excess: 1, refused: 0 },
    });
  });

  it.each([0, -1])(
    'a denied cost of %i, which the checker leaves open, convicts of no denial',
    async (cost) => {
      const denied = recordsOf(headerOf('2:1/s'), [at(0, { outcome: 'denied', cost })]);
      expect(await found(denied, [{ type: 'denial', bucket: 'b', operation: 0 }])).toMatchObject({
        ...{ denial: 0, says: ['it is no denial of the limiter'] },
      });
    },
  );

  it('a finding of the replay is of an operation that there is', async () => {
    const record = { type: 'replay', bucket: 'x', operation: 3 };
    expect(await found(records, [record])).toMatchObject({ replay: 0, says: ['it has no such operation'] });
  });

  it('a bucket is not both proved and convicted', async () => {
    const right = proofOf([0, 2, 2], [0, 10, 10], { bucket: 'x' });
    const convicted = { type: 'replay', bucket: 'x', operation: 0 };
    expect(await found(records, [RECORDER, right])).toMatchObject({ proved: 1, refused: 0 });
    for (const both of [
      [right, convicted],
      [convicted, right],
    ])
      expect((await found(records, [RECORDER, ...both])).says).toContain('it is listed twice');
  });
});

/** Readings of a node each half second. It is ahead of the recorder, and may drift. */
function readingsOf(node: string, { aheadUs = DATE_US, ppm = 0 } = {}): ClockReading[] {
  return [0, 1, 2, 3, 4].map((number) => {
    const atUs = (number * S) / 2;
    const serverUs = atUs + aheadUs + (number * ppm) / 2;
    return { type: 'clock', node, atUs, serverUs, errorUs: 5 };
  });
}

describe('V9: a clock is one that the history has readings of, or does not drift:', () => {
  /** A bucket that refilled 0.09% too fast. */
  const fast = (part: OperationPart = {}) => [at(0, { cost: 1_000, ...part }), at(999_100, { cost: 1_000 })];
  const moments = (aheadUs = 0) => [aheadUs, 999_100 + 999];
  const drifting = (nodes: readonly string[], aheadUs = 0) => ({
    ...{ type: 'clock', clock: 0, nodes },
    points: [
      [0, aheadUs],
      [2 * S, aheadUs + 2_000],
    ],
  });
  const header = headerOf('1000:1000/s');
  const decided = (node: string, bucketUs: number) => ({
    ...({ strategy: 'central', node, source: 'redis', atUs: bucketUs, bucketUs, levelQuanta: 0 } as const),
  });

  it.each([
    { title: 'no node', nodes: [] },
    { title: 'a node that the history does not know', nodes: ['ghost'] },
  ])('that of $title does not drift', async ({ nodes }) => {
    const records = recordsOf(header, fast(), readingsOf('r'));
    expect(await found(records, [drifting(nodes), proofOf([0, 2], moments())])).toMatchObject({
      ...{ proved: 0, refused: 2 },
    });
  });

  it('that of a node which decided and was not read does not drift', async () => {
    const records = recordsOf(header, fast({ decision: decided('q', DATE_US) }));
    expect(await found(records, [drifting(['q'], DATE_US), proofOf([0, 2], moments(DATE_US))])).toMatchObject(
      { proved: 0, says: ['it drifts, and none of its nodes was read', 'its clock is missing'] },
    );
  });

  const ahead = recordsOf(header, fast(), [...readingsOf('r'), ...readingsOf('q', { ppm: 1_000 })]);
  it('that of one of several nodes proves no bucket of which it is not known who decided', async () => {
    const says = 'its clock is of nodes that decided none of its operations';
    const forged = [drifting(['q'], DATE_US), proofOf([0, 2], moments(DATE_US))];
    expect(await found(ahead, forged)).toMatchObject({ proved: 0, says: [says] });
  });

  it.each([
    { title: 'another node decided', nodes: ['r', 'r'] },
    { title: 'another node decided, too', nodes: ['q', 'r'] },
  ])('nor one that $title', async ({ nodes: [first = '', second = ''] }) => {
    const parts = [
      at(0, { cost: 1_000, decision: decided(first, DATE_US) }),
      at(999_100, { cost: 1_000, decision: decided(second, DATE_US + 999_100) }),
    ];
    const others = [...readingsOf('r'), ...readingsOf('q', { ppm: 1_000 })];
    const forged = [drifting(['q'], DATE_US), proofOf([0, 2], moments(DATE_US))];
    expect((await found(recordsOf(header, parts, others), forged)).proved).toBe(0);
  });

  it('that of the node which decided proves it', async () => {
    const parts = [
      at(0, { cost: 1_000, decision: decided('q', DATE_US) }),
      at(999_100, { cost: 1_000, decision: decided('q', DATE_US + 1_000_099) }),
    ];
    const others = [...readingsOf('r'), ...readingsOf('q', { ppm: 1_000 })];
    const right = [drifting(['q'], DATE_US), proofOf([0, 2], [DATE_US, 1_000_099])];
    expect(await found(recordsOf(header, parts, others), right)).toMatchObject({ proved: 1, refused: 0 });
    const moved = [drifting(['q'], DATE_US), proofOf([0, 2], [DATE_US, 1_000_100])];
    expect(await found(recordsOf(header, parts, others), moved)).toMatchObject({
      ...{ proved: 0, says: ['operation 1 is not when the clock of q showed'] },
    });
  });

  const EPOCH = {
    ...HEAD,
    promise: { type: 'fixed-window', limit: 2, windowUs: 10 * S, alignment: 'epoch' },
  };
  const four = [1, 2, 8, 8.1].map((second) => at(DATE_US + second * S));
  const shifted = proofOf([8, -8, 2, 6, -4, 2], [DATE_US, 6 * S, S, 3 * S, 3 * S, 0.1 * S]);

  it.each([
    {
      title: 'a machine that is not in the history',
      clock: { nodes: [], offsets: { '': [[0, 5 * S]], ghost: [[0, 0]] } },
      says: 'the history has no machine ghost',
    },
    {
      title: 'no machine',
      clock: { nodes: [], offsets: { '': [[0, 5 * S]] } },
      says: 'it belongs to no node',
    },
    {
      title: 'points and machines',
      clock: { nodes: [], points: [[0, 0]], offsets: { '': [[0, 5 * S]] } },
      says: 'it has no points or offsets, or both',
    },
  ])('windows of the epoch are not shifted by $title', async ({ clock, says }) => {
    const forged = [{ type: 'clock', clock: 0, ...clock }, shifted] as CertificateRecord[];
    const { counts, refusals } = await verify(recordsOf(headerOf(), four), [EPOCH as never, ...forged]);
    expect([counts.proved, refusals.map(([, why]) => why)]).toEqual([0, [says, 'its clock is missing']]);
  });

  it('nor by another node, whose time of day is wrong', async () => {
    const clocks = [0, 5 * S].flatMap((aheadUs, number) =>
      readingsOf(`${number}`, { aheadUs }).map((one) => ({
        ...one,
        atUs: one.atUs + DATE_US,
        serverUs: one.serverUs + DATE_US,
      })),
    );
    const forged = [{ type: 'clock', clock: 0, nodes: ['1'], points: [[0, 5 * S]] }, shifted];
    const records = recordsOf(headerOf(), four, clocks);
    const { counts } = await verify(records, [EPOCH, ...forged] as CertificateRecord[]);
    expect(counts).toMatchObject({ proved: 0, refused: 1 });
  });
});

describe('V10: a group has only buckets that share decisions:', () => {
  const local = { strategy: 'central', node: 'n', source: 'fallback', charge: 'none' } as const;
  const group = (names: readonly string[], more: object) => ({
    ...{ type: 'group', clock: 0, proves: 'admissions', members: names.map((bucket) => ({ bucket })) },
    ...more,
  });

  it('it lends no reason to leave out the denials of another bucket', async () => {
    const parts = [
      at(0, { bucket: 'a', decision: local }),
      at(1_000, { bucket: 'b', outcome: 'denied' }),
      at(2_000, { bucket: 'b' }),
    ];
    const records = recordsOf(headerOf('2:1/s'), parts);
    const forged = [RECORDER, group(['a', 'b'], { order: [0, 4], momentsUs: [0, 2_000] })];
    expect(await found(records, forged)).toMatchObject({
      ...{ admissionsProved: 0, says: ['it has buckets that share no decision'] },
    });
  });

  it.each([
    { title: 'two pairs are no group', names: ['a', 'b', 'c', 'd'], is: { proved: 0, refused: 1 } },
    { title: 'a chain is one', names: ['a', 'b', 'e'], is: { proved: 3, refused: 0 } },
    { title: 'one bucket is none', names: ['f'], is: { proved: 0, refused: 1 } },
  ])('$title', async ({ names, is }) => {
    const pairs = ['ab', 'cd', 'be', 'f'].map((pair) => [...pair]);
    const parts = pairs
      .filter((pair) => pair.every((bucket) => names.includes(bucket)))
      .map((pair, number) => at(number, { charges: pair.map((bucket) => ({ bucket, cost: 1 })) }));
    const order = { 'a,b,c,d': [0, 4], 'a,b,e': [0, 4], f: [0] }[names.join()] ?? [];
    const momentsUs = order.map((_, number) => number);
    const forged = [RECORDER, group(names, { proves: 'all', order, momentsUs })];
    expect(await found(recordsOf(headerOf('2:1/s'), parts), forged)).toMatchObject(is);
  });

  it('nor is one of windows, of which only the first bucket would begin again', async () => {
    const charges = ['a', 'b'].map((bucket) => ({ bucket, cost: 1 }));
    const parts = [
      at(DATE_US, { charges }),
      at(DATE_US + S, { charges: charges.slice(1), outcome: 'denied' }),
    ];
    const promise = { type: 'fixed-window', limit: 1, windowUs: S, alignment: 'epoch' };
    const order = [6, -6, 6, -2];
    const momentsUs = [DATE_US, 0, S, 0];
    const forged = [RECORDER, group(['a', 'b'], { proves: 'all', order, momentsUs })];
    const records = recordsOf(headerOf('1:1/s'), parts);
    const { counts } = await verify(records, [{ ...HEAD, promise }, ...forged] as CertificateRecord[]);
    expect(counts).toMatchObject({ proved: 0, refused: 1 });
  });
});
