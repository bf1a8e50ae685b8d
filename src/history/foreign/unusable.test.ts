import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';

const good = (lines: number) =>
  Array.from(
    { length: lines },
    (_, at) => `{"user":"a","from_ms":${1_000 + at},"to_ms":${1_001 + at},"code":200}\n`,
  );
const noTime = '{"user":"b","from_ms":null,"to_ms":2000,"code":200}\n';
const noJson = 'oops\n';

describe('an unreadable line', () => {
  it('is a charge of its bucket at any time, where it names one', () => {
    const { rows, history } = readForeign('access-log', [...good(199), noTime].join(''));
    expect(rows.at(-1)).toEqual({ from: 999_000, to: Number.POSITIVE_INFINITY, outcome: 'info' });
    expect(history.errors.info).toEqual({ UNUSABLE_LINE: 1 });
    expect(history.end?.sent).toBe(200);
  });

  it('is a request that the history lacks, where it names none', () => {
    const { history } = readForeign('access-log', [...good(199), noJson].join(''));
    expect([history.end?.sent, history.outcomes.allowed]).toEqual([200, 199]);
  });

  it('is named, the first of them with its reason', () => {
    const { reader, history } = readForeign('access-log', [...good(398), noJson, noTime].join(''));
    expect(reader.assumed(history)).toEqual([
      expect.stringMatching(
        /^unreadable lines: 2, the first is log:399 \(not JSON: .*\); each line with a bucket may be a charge at any time; 1 have no bucket, so no denial is judged$/,
      ),
    ]);
  });

  it.each([
    {
      title: 'too many',
      lines: [...good(98), noTime, noJson],
      says: /^log:99: .*from_ms.*; 2 of 100 lines are unreadable, more than 1% \(--unusable-at-most\)/,
    },
    { title: 'any, where none may be', lines: [...good(999), noTime], most: 0, says: /^log:1000: .*from_ms/ },
    {
      title: 'all of the first, at once',
      lines: Array.from({ length: 40 }, () => noJson),
      says: /; 20 of 20 lines are unreadable/,
    },
    { title: 'all', lines: [noTime], most: 1, says: /^log:1: the file has no operation/ },
  ])('is refused: $title', ({ lines, most = 0.01, says }) =>
    expect(() => readForeign('access-log', lines.join(''), { unusableAtMost: most })).toThrow(says),
  );

  it('is refused where it may have cost or given back any number of tokens', () =>
    expect(() =>
      readForeign('access-log', `${good(300).join('').replaceAll('"code"', '"cost":2,"code"')}${noJson}`, {
        cost: 'cost',
      }),
    ).toThrow(/^log:301: not JSON.*with --cost every line must be readable, or its cost is unknown/));
});
