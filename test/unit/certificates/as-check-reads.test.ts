import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { certificateRecords } from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import type { CheckOptions } from '../../../src/checker/check-options.ts';
import { parsePromise } from '../../../src/core/promise.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import { verifyTexts } from './verified.ts';

const S = 1_000_000;
const HEADER = {
  type: 'header',
  format: 'openclaw-history',
  version: 1,
  initial: 'full',
  clocks: 'one',
  policy: { capacity: 2, refill: { tokens: 1, perUs: S } },
};

const textOf = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** A file of these operations, which are numbered, and of other records. */
function fileOf(
  operations: readonly object[],
  { header = HEADER as object, others = [] as object[], end = {} } = {},
) {
  const written = operations.map((one, index) => ({ type: 'op', index, bucket: 'b', ...one }));
  const last = { type: 'end', atUs: 9 * S, sent: operations.length, ...end };
  return textOf([header, ...written, ...others, last]);
}

const at = (us: number, more: object = {}) => ({
  invokedUs: us,
  completedUs: us + 10,
  outcome: 'allowed',
  ...more,
});

/** The text of a certificate that the checker writes of these files. */
function certificateOf(files: readonly string[], options: Partial<CheckOptions> = {}): string {
  const reader = new HistoryReader();
  for (const [number, text] of files.entries()) {
    reader.startFile(`${number}`);
    reader.push(Buffer.from(text));
    reader.endFile();
  }
  const history = reader.finish();
  const examination = examineHistory(history, {
    busiest: [],
    contestedBucketsAtLeast: 0,
    infoAtMost: 1,
    ...options,
  });
  return textOf([...certificateRecords(history.operations, examination)]);
}

async function found(files: readonly string[], options: Partial<CheckOptions> = {}) {
  const { counts, refusals } = await verifyTexts(files, certificateOf(files, options));
  const { proved, admissionsProved, refused } = counts;
  return { proved, admissionsProved, refused, refusals };
}

const PROVED = { proved: 1, admissionsProved: 0, refused: 0, refusals: [] };
const decided = (node: string, bucketUs: number | null) => ({
  strategy: 'central',
  node,
  source: 'redis',
  atUs: bucketUs ?? 0,
  bucketUs,
  level: `${S}`,
});
const readings = (node: string, aheadUs: number) =>
  [0, S, 2 * S].map((atUs) => ({ type: 'clock', node, atUs, serverUs: atUs + aheadUs, errorUs: 5 }));

describe('an honest certificate is accepted of a history', () => {
  const { policy } = HEADER;
  it.each([
    { title: 'in another order', other: { refill: { perUs: S, tokens: 1 }, capacity: 2 } },
    { title: 'with fields of its own', other: { ...policy, name: 'free' } },
  ])('whose second file has the numbers of the policy $title', async ({ other }) => {
    const second = fileOf([at(S)], { header: { ...HEADER, policy: other } });
    expect(await found([fileOf([at(0)]), second])).toEqual(PROVED);
  });

  const args = { untilUs: 'Friday' };
  it.each([
    { title: 'an event', others: [{ type: 'event', event: 'deployed', atUs: 5, args }] },
    { title: 'a fault', others: [{ type: 'fault', fault: 'x', phase: 'inject', atUs: 5, args }] },
    { title: 'an operation', more: { args, errorUs: -1, clockSlackUs: 'none' } },
    { title: 'an event, beside its own', others: [{ type: 'event', event: 'x', atUs: 5, errorUs: -1 }] },
  ])('in which $title has fields that the format gives to other records', async ({ more, others }) => {
    expect(await found([fileOf([at(0, more)], { others: others ?? [] })])).toEqual(PROVED);
  });

  it('in which an operation without a reply has some text as its end', async () => {
    const info = at(S, { outcome: 'info', completedUs: 'unknown' });
    expect(await found([fileOf([at(0), info])])).toEqual(PROVED);
  });

  it('that is a sample', async () => {
    const text = fileOf([at(0)], { end: { sent: 4, sample: { share: 0.25, others: 3 } } });
    expect(await found([text])).toEqual(PROVED);
    const { counts } = await verifyTexts([text], certificateOf([text]));
    expect(counts).toMatchObject({ operations: 1, others: 3 });
    const short = text.replace('"sent":4', '"sent":5');
    await expect(verifyTexts([short], certificateOf([text]))).rejects.toThrow('operations are missing');
  });

  it('that is packed, by whatever name', async () => {
    const text = fileOf([at(0)]);
    const { counts } = await verifyTexts([gzipSync(text)], certificateOf([text]));
    expect(counts).toMatchObject({ proved: 1, refused: 0 });
  });

  const others = [...readings('n', 1_000), ...readings('m', 70_000)];
  it('in which a decision states null as its moment', async () => {
    const operations = [at(0, { decision: decided('n', 1_005) }), at(S, { decision: decided('n', null) })];
    expect(await found([fileOf(operations, { others })])).toEqual(PROVED);
  });

  it('in which a refund was decided by a node with another clock', async () => {
    const operations = [
      at(0, { decision: decided('n', 1_005) }),
      at(S, { decision: decided('n', S + 1_005) }),
      at(2 * S, { cost: -1, decision: decided('m', 2 * S + 70_005) }),
    ];
    expect(await found([fileOf(operations, { others })])).toMatchObject({ refused: 0, refusals: [] });
  });

  it.each([
    { title: 'before 1970', us: -2_155_030, proved: 0, more: readings('n', 20) },
    { title: 'the first of which began before dates are known', us: 1e15 + 5, proved: 1, more: [] },
  ])('of windows of the epoch, $title', async ({ us, proved, more }) => {
    const promise = parsePromise('fixed-window:3/300ms:epoch');
    const reset = { type: 'event', event: 'reset', atUs: us + 930_654 };
    const operations = [at(us, { cost: 3 }), at(us + 433_668), at(us + 798_665)];
    const files = [fileOf(operations, { others: [reset, ...more] })];
    expect(await found(files, { promise })).toMatchObject({ proved, refused: 0, refusals: [] });
  });
});

describe('the verifier reads no history that `check` does not read:', () => {
  const text = fileOf([at(0), at(1), at(2)]);
  const short = text.replace(/.*"index":2.*\n/, '');

  it.each([
    { title: 'an operation that is missing', files: [short], says: 'operations are missing' },
    { title: 'the same beside an empty file', files: [short, ''], says: 'it is empty' },
    {
      title: 'another version',
      files: [text.replace('"version":1', '"version":2')],
      says: 'it is no history of version 1',
    },
    {
      title: 'a cost that is no number',
      files: [text.replace('"completedUs":12', '"completedUs":12,"cost":false')],
      says: 'an operation has a cost that is no whole number',
    },
    {
      title: 'an answer without an end',
      files: [text.replace('"completedUs":12', '"completedUs":null')],
      says: 'an operation has a number that is none',
    },
  ])('$title', async ({ files, says }) => {
    await expect(verifyTexts(files, certificateOf([text]))).rejects.toThrow(says);
  });

  it('without its end it says so', async () => {
    const cut = short.replace(/.*"type":"end".*\n/, '');
    const certificate = certificateOf([cut], { isComplete: true });
    const { counts } = await verifyTexts([cut], certificate);
    expect(counts).toMatchObject({ ended: false, proved: 1, refused: 0 });
    expect((await verifyTexts([text], certificateOf([text]))).counts).not.toHaveProperty('ended');
  });
});
