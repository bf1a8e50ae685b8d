import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../../../test/support/history.ts';
import { partOf, partText } from '../../../test/support/part-history.ts';
import { bytesOf } from '../../../test/support/read-history.ts';
import { HistoryReader } from '../reader.ts';
import { encodeRecord } from '../records/codec.ts';
import { PartScan } from './part-scan.ts';

const TEXT = partText({ operations: [{}, {}] });
const sha256 = () => createHash('sha256');
const digestOf = (text: string) => sha256().update(text).digest('hex');

function scanned(text: string, chunk = 7) {
  const scan = new PartScan(sha256());
  const bytes = bytesOf(text);
  for (let at = 0; at < bytes.length; at += chunk) scan.push(bytes.subarray(at, at + chunk));
  return { ...scan.end(), part: scan.part?.name, hasHeader: scan.hasHeader };
}

describe('the digest of a part', () => {
  it.each([1, 7, 300, 65_536])('is that of all bytes before its end, in chunks of %i', (chunk) => {
    const digest = digestOf(TEXT.slice(0, TEXT.indexOf('{"type":"end"')));
    expect(scanned(TEXT, chunk)).toEqual({ digest, isAltered: false, part: 'a', hasHeader: true });
  });

  it.each([
    { title: 'one byte changed', text: TEXT.replace('"cost":1', '"cost":0'), want: { isAltered: true } },
    { title: 'one line less', text: TEXT.replace(/\{"type":"op".*\n/, ''), want: { isAltered: true } },
    { title: 'its machine changed', text: TEXT.replace('machine-a', 'machine-b'), want: { isAltered: true } },
    {
      title: 'an empty line before the end',
      text: TEXT.replace('{"type":"end"', '\n{"type":"end"'),
      want: { isAltered: true },
    },
    { title: 'empty lines after the end', text: `${TEXT}\n\n`, want: { isAltered: false } },
    { title: 'no newline at its end', text: TEXT.trimEnd(), want: { isAltered: false } },
  ])('with $title: $want', ({ text, want }) => {
    expect(scanned(text)).toMatchObject({ digest: expect.any(String), ...want });
  });

  it.each([
    { title: 'cut within its end', text: TEXT.slice(0, -9) },
    { title: 'cut before its end', text: TEXT.slice(0, TEXT.indexOf('{"type":"end"')) },
    { title: 'with an end that is not the last record', text: `${TEXT}{"type":"clock"}\n` },
    { title: 'of nothing but a header', text: encodeRecord(headerOf('20:5/s', { part: partOf() })) },
    {
      title: 'of a header without a newline',
      text: encodeRecord(headerOf('20:5/s', { part: partOf() })).trimEnd(),
    },
    { title: 'that ends in a line longer than any record', text: TEXT + 'x'.repeat(1_100_000) },
  ])('is none, $title', ({ text }) => {
    expect(scanned(text, 1_000)).toEqual({ isAltered: false, part: 'a', hasHeader: true });
  });

  it.each([
    { title: 'is no part', text: `${encodeRecord(headerOf())}x\n`, hasHeader: true },
    { title: 'has no header', text: '{"type":"op"}\n', hasHeader: false },
    { title: 'has bytes that are no UTF-8', text: '\ufffd\n', hasHeader: false },
    { title: 'is empty', text: '', hasHeader: false },
    { title: 'has a first line longer than any record', text: 'x'.repeat(1_100_000), hasHeader: false },
  ])('is none of a file that $title', ({ text, hasHeader }) => {
    expect(scanned(text, 100_000)).toEqual({ isAltered: false, part: undefined, hasHeader });
  });
});

describe('a reader with a hash', () => {
  const read = (text: string) => {
    const reader = new HistoryReader({ sha256 });
    reader.startFile('a.ndjson');
    reader.push(bytesOf(text));
    reader.endFile();
    return reader.finish();
  };

  it('reads a part as it was written, and refuses one that was altered', () => {
    expect(read(TEXT).parts).toMatchObject({ missing: ['b'], isWhole: false });
    expect(() => read(TEXT.replace('"cost":1', '"cost":0'))).toThrow(
      /^a.ndjson:4: the part was altered after it was written/,
    );
  });
});
