import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../../test/support/foreign.ts';

const HEAD = 'user,from_ms,to_ms,code';
const ROW = { from: 9_000, to: 21_000, outcome: 'allowed' };

describe('a table', () => {
  it.each([
    { title: 'semicolons', text: 'user;from_ms;to_ms;code\na;10;20;200\n' },
    { title: 'bars', text: 'user|from_ms|to_ms|code\na|10|20|200\n' },
    { title: 'blanks behind commas', text: 'user, from_ms, to_ms, code\na, 10, 20, 200\n' },
    { title: 'blanks behind commas of the first line', text: 'user, from_ms, to_ms, code\na,10,20,200\n' },
    { title: 'blanks and marks', text: 'user, from_ms, to_ms, code\n"a", "10", 20, 200\n' },
    { title: 'comments before the names', text: `# made by x, y\n#\n${HEAD}\na,10,20,200\n` },
    { title: 'names in a comment', text: `# ${HEAD}\na,10,20,200\n` },
    { title: 'names again in its middle', text: `${HEAD}\na,10,20,200\n${HEAD}\n` },
    { title: 'a mark of byte order', text: `\ufeff${HEAD}\na,10,20,200\n` },
    { title: 'lines within marks', text: `${HEAD},why\na,10,20,200,"one\n\ntwo, ""three""\n"\n` },
    { title: 'two columns of one name that it does not need', text: `${HEAD},x,x\na,10,20,200,1,2\n` },
    { title: 'blanks around numbers', text: `${HEAD}\na, 10 , 20, 200\n` },
  ])('is read with $title', ({ text }) => {
    const { rows, names } = readForeign('csv', text);
    expect([rows, names]).toEqual([[ROW], ['a']]);
  });

  it.each([
    {
      title: 'two columns of a name that it needs',
      text: `${HEAD},user\na,10,20,200,b\n`,
      says: /^log:1: two columns have the name "user": rename one of them/,
    },
    {
      title: 'no line of names',
      text: 'a,10,20,200\n',
      says: /^log:1: there is no column "user"; columns: a, 10, 20, 200; the first line must name the columns/,
    },
    {
      title: 'commas of thousands',
      text: `${HEAD}\na,"1,000","1,020",200\n`,
      says: /^log:2: from_ms has a thousands or decimal comma; write it like 1234\.5; found "1,000"/,
    },
    {
      title: 'some blanks behind commas',
      text: 'code, user, from_ms, to_ms\n200, a, 10,20\n',
      says: /^log:2: some of its commas are followed by a blank and others are not/,
    },
    {
      title: 'a mark that is not closed',
      text: `${HEAD},why\na,10,20,200,"x\n${'a,10,20,200,y\n'.repeat(300)}`,
      says: /in a record of 200 lines: perhaps a quotation mark is missing/,
    },
    { title: 'text behind a mark', text: `${HEAD}\n"a"b,10,20,200\n`, says: /^log:2: text after a closing/ },
  ])('is refused with $title', ({ text, says }) => expect(() => readForeign('csv', text)).toThrow(says));

  it('keeps blanks of a value apart', () =>
    expect(readForeign('csv', 'code,user,from_ms,to_ms\n200,a,1,2\n200, a,1,2\n').names).toEqual([
      'a',
      ' a',
    ]));

  it('that ends within marks is cut short', () =>
    expect(readForeign('csv', `${HEAD},why\na,10,20,200,\nb,10,20,200,"x\n`).history.end).toBeUndefined());
});
