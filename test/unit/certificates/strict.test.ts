import { describe, expect, it } from 'vitest';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { HEAD } from './forge.ts';
import { verifyTexts } from './verified.ts';

const S = 1_000_000;
const CLOCK = { type: 'clock', clock: 0, nodes: [], points: [[0, 0]] };
const PROOF = {
  ...{ type: 'proof', bucket: 'b', proves: 'all', clock: 0, order: [0, 2, 2], momentsUs: [10, 20, 30] },
};
const END = {
  ...{ type: 'end', buckets: 1, proved: 1, admissionsProved: 0, withinBound: 0, convicted: 0, open: 0 },
};
const RECORDS: HistoryRecord[] = [
  headerOf('20:5/s'),
  ...[0, 1, 2].map((index) => operationOf(index, { invokedUs: 0, completedUs: S })),
  { type: 'end', atUs: S, sent: 3 },
];

const textOf = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** What the verifier says of a certificate of these records, and whether it proves its bucket. */
async function found(certificate: readonly object[], records: readonly object[] = RECORDS) {
  const { counts, refusals, exitCode } = await verifyTexts([textOf(records)], textOf(certificate));
  return { proved: counts.proved, says: refusals.map(([, why]) => why), exitCode };
}

it('V11: the certificate that the others are changes of is right', async () => {
  expect(await found([HEAD, CLOCK, PROOF, END])).toEqual({ proved: 1, says: [], exitCode: 0 });
});

const isWrong = (name: string) => `its "${name}" is unknown, or has a wrong value`;

describe('V11: a proof is refused with', () => {
  it.each([
    { title: 'an order of 2^32 + 2, which is no 2', change: { order: [0, 2 ** 32 + 2, 2 - 2 ** 32] } },
    { title: 'an order below 0', change: { order: [0, -2, 6] } },
    { title: 'an order beyond its operations', change: { order: [0, 2, 4] } },
    { title: 'an order that is no number', change: { order: [0, '2', 2] }, field: 'order' },
    { title: 'an order with a fraction', change: { order: [0, 1.5, 2.5] }, field: 'order' },
    { title: 'an order with null', change: { order: [0, 2, 2, null] }, field: 'order' },
    { title: 'a moment that is a text', change: { momentsUs: ['10', 20, 30] }, field: 'momentsUs' },
    { title: 'a moment that is a list', change: { momentsUs: [[10], 20, 30] }, field: 'momentsUs' },
    { title: 'a moment that is true', change: { momentsUs: [true, 20, 30] }, field: 'momentsUs' },
    { title: 'a moment beyond 2^53', change: { momentsUs: [1e300, 20, 30] }, field: 'momentsUs' },
    { title: 'a moment before the last one', change: { momentsUs: [10, 20, -1] } },
    { title: 'a list that is none', change: { order: { length: 3, 0: 0 } }, field: 'order' },
    { title: 'a level above the capacity', change: { start: [2, 1] }, field: 'start' },
    { title: 'a level of two negative numbers', change: { start: [-1, -1] }, field: 'start' },
    { title: 'a capacity of 0', change: { start: [0, 0] }, field: 'start' },
    { title: 'a start of three numbers', change: { start: [1, 1, 1] }, field: 'start' },
    { title: 'the clock of a text', change: { clock: '0' }, field: 'clock' },
    { title: 'something else that it proves', change: { proves: 'ALL' }, field: 'proves' },
    { title: 'an unknown field', change: { trust: 'me' }, field: 'trust' },
    { title: 'the operations of an excess', change: { operations: [0] }, field: 'operations' },
    { title: 'a bucket that is a list', change: { bucket: ['b'] }, field: 'bucket' },
    { title: 'a policy that is null', change: { policy: null }, field: 'policy' },
  ])('$title', async ({ change, field }) => {
    const { proved, says, exitCode } = await found([HEAD, CLOCK, { ...PROOF, ...change }, END]);
    expect([proved, says.length, exitCode]).toEqual([0, 1, 1]);
    if (field !== undefined) expect(says).toEqual([isWrong(field)]);
  });

  it.each(['__proto__', 'constructor'])('a field %s', async (name) => {
    const text = JSON.stringify(PROOF).replace('}', `,"${name}":{"order":[]}}`);
    const lines = [HEAD, CLOCK, JSON.parse(text), END];
    expect((await found(lines)).says).toEqual([isWrong(name)]);
  });

  it.each(['proves', 'clock', 'order', 'momentsUs', 'bucket'])('no %s', async (name) => {
    const { [name]: _, ...lacking } = PROOF as Record<string, unknown>;
    expect((await found([HEAD, CLOCK, lacking, END])).says).toEqual([`it has no ${name}`]);
  });
});

describe('V11: a clock is refused with', () => {
  it.each([
    { title: 'points of texts', change: { points: [['0', '0']] } },
    { title: 'no point', change: { points: [] } },
    { title: 'a point of three numbers', change: { points: [[0, 0, 0]] } },
    { title: 'a fraction', change: { points: [[0.5, 0]] } },
    { title: 'nodes that are a text', change: { nodes: '' } },
    { title: 'its number taken', change: { clock: 1 } },
  ])('$title', async ({ change }) => {
    const first = { ...CLOCK, clock: 1 };
    const { proved, exitCode } = await found([HEAD, first, { ...CLOCK, ...change }, PROOF, END]);
    expect([proved, exitCode]).toEqual([0, 1]);
  });
});

describe('V11: a promise is refused', () => {
  const counter = { type: 'sliding-counter', limit: 5, windowUs: S };
  it.each([
    { title: 'whose limit is a text, to which one token is appended', promise: { ...counter, limit: '5' } },
    { title: 'without a limit', promise: { type: 'sliding-window', windowUs: S } },
    { title: 'whose window has no length', promise: { ...counter, windowUs: 0 } },
    {
      title: 'whose alignment is a name of JavaScript',
      promise: { ...counter, type: 'fixed-window', alignment: 'toString' },
    },
    { title: 'whose type is one', promise: { type: 'constructor' } },
    { title: 'of a bucket with a limit', promise: { type: 'token-bucket', limit: 5 } },
    { title: 'that is null', promise: null },
    { title: 'that is a text', promise: 'token-bucket' },
  ])('$title', async ({ promise }) => {
    const forged = [{ ...HEAD, promise }, CLOCK, { ...PROOF, proves: 'admissions' }, END];
    const { says, exitCode } = await found(forged);
    expect([says[0], exitCode]).toEqual(['it is no certificate of version 1', 1]);
  });

  it.each([{ ratePpm: 1e9 }, { declaresFalseDenials: 'no' }, { simulated: 'no' }, { trust: 'me' }])(
    'with %j in its record',
    async (change) => {
      const { says } = await found([{ ...HEAD, ...change }, CLOCK, PROOF, END]);
      expect(says[0]).toBe(isWrong(Object.keys(change)[0] ?? ''));
    },
  );

  it.each([
    { title: 'a denial', second: { outcome: 'denied', cost: 9 } as const },
    { title: 'a refund', second: { cost: -1 } },
  ])('no window begins with $title, if each begins with an admission', async ({ second }) => {
    const parts = [{}, second, {}].map((part, index) =>
      operationOf(index, { invokedUs: 0, completedUs: 2 * S, ...part }),
    );
    const records: HistoryRecord[] = [headerOf(), ...parts, { type: 'end', atUs: S, sent: 3 }];
    const promise = { type: 'fixed-window', limit: 1, windowUs: S, alignment: 'first' };
    const order = [6, -6, 6, -4, 2]; // a window and 0, a window and 1, 2
    const forged = { ...PROOF, proves: 'admissions', order, momentsUs: [0, 0, S, 0, 1] };
    const { says } = await found([{ ...HEAD, promise }, CLOCK, forged, END], records);
    expect(says[0]).toBe('a window begins at a wrong moment');
  });
});

describe('V11: a certificate is refused', () => {
  const twice = { ...END, buckets: 2, proved: 2 };
  it.each([
    { title: 'with its end twice', lines: [HEAD, CLOCK, PROOF, END, END], says: 'it follows the end' },
    { title: 'that goes on after its end', lines: [HEAD, CLOCK, END, PROOF], says: 'it follows the end' },
    {
      title: 'with its first record twice',
      lines: [HEAD, HEAD, CLOCK, PROOF, END],
      says: 'it is not the first record',
    },
    {
      title: 'with a record of another type',
      lines: [HEAD, { type: 'note' }, CLOCK, PROOF, END],
      says: 'records of type "note" are unknown',
    },
    {
      title: 'with a record without a type',
      lines: [HEAD, { a: 1 }, CLOCK, PROOF, END],
      says: 'records of type undefined are unknown',
    },
    {
      title: 'with a record of a type of JavaScript',
      lines: [HEAD, { type: 'toString' }, CLOCK, PROOF, END],
      says: 'records of type "toString" are unknown',
    },
    { title: 'with a proof twice', lines: [HEAD, CLOCK, PROOF, PROOF, twice], says: 'it is listed twice' },
    {
      title: 'with fewer proofs than its end says',
      lines: [HEAD, CLOCK, END],
      says: 'it says proved 1; found 0',
    },
    {
      title: 'of more buckets',
      lines: [HEAD, CLOCK, PROOF, { ...END, buckets: 2, open: 1 }],
      says: 'it says buckets 2; found 1',
    },
    {
      title: 'whose counts do not add up',
      lines: [HEAD, CLOCK, PROOF, { ...END, open: 1 }],
      says: 'it says buckets 1; its counts add up to 2',
    },
    {
      title: 'whose counts are texts',
      lines: [HEAD, CLOCK, PROOF, { ...END, open: '' }],
      says: isWrong('open'),
    },
    {
      title: 'whose counts are negative',
      lines: [HEAD, CLOCK, PROOF, { ...END, open: -1, convicted: 1 }],
      says: isWrong('open'),
    },
  ])('$title', async ({ lines, says }) => {
    const { exitCode, ...more } = await found(lines);
    expect([more.says[0], exitCode]).toEqual([says, 1]);
  });

  it.each([
    { title: 'that is empty', lines: [] },
    { title: 'that was cut after its first record', lines: [HEAD] },
    { title: 'without its end', lines: [HEAD, CLOCK, PROOF] },
  ])('$title', async ({ lines }) => {
    const { says, exitCode } = await found(lines);
    expect([says, exitCode]).toEqual([['there is none'], 1]);
  });
});

describe('V11: a history does not mislead the verifier by', () => {
  const [header, ...rest] = RECORDS as [HistoryRecord, ...HistoryRecord[]];
  it.each([
    { title: 'an early end', more: { type: 'end', atUs: S, sent: 0 }, says: /64: .*follows the end/ },
    {
      title: 'a start that is a text',
      more: { ...operationOf(3, {}), invokedUs: '0' },
      says: /64: .*a number that is none/,
    },
  ])('$title', async ({ more, says }) => {
    const records = [header, more, ...rest];
    await expect(found([HEAD, CLOCK, PROOF, END], records)).rejects.toThrow(says);
  });

  it('a second end', async () => {
    const records = [...RECORDS, { type: 'end', atUs: S, sent: 0 }];
    await expect(found([HEAD, CLOCK, PROOF, END], records)).rejects.toThrow(/64: .*a second end/);
  });

  it.each(['files', 'buckets', 'ping', 'attempts', '__proto__'])('a record of type %s', async (type) => {
    const more = { type, node: 'x', machine: '', knownUs: 0 };
    const records = [header, more, ...rest];
    await expect(found([HEAD, CLOCK, PROOF, END], records)).rejects.toThrow(
      `64: records of type "${type}" are unknown`,
    );
  });
});
