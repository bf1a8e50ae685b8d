import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';
import { decodeBytes, nameOf } from './names.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('the name that bytes get', () => {
  it.each([
    ['of ASCII is itself', 'ada', 'ada'],
    ['of UTF-8 is its text', 'Jos\xc3\xa9 \xf0\x9f\x98\x80', 'José 😀'],
    ['of Latin-1 has the byte', 'Jos\xe9', 'Jos\\xE9'],
    ['of UTF-8 that breaks off has its bytes', 'a\xf0\x9f\x98', 'a\\xF0\\x9F\\x98'],
    ['of both has both', '\xc3\xa9\xe9\xc3', 'é\\xE9\\xC3'],
    ['of an overlong form has its bytes', '\xc0\xaf', '\\xC0\\xAF'],
    ['of half a character in UTF-8 has its bytes', '\xed\xa0\x80', '\\xED\\xA0\\x80'],
    ['keeps a mark of byte order', '\xef\xbb\xbfa', '\ufeffa'],
    ['of a text that looks escaped is another', 'Jos\\xE9', 'Jos\\x5CxE9'],
    ['of any other backslash is itself', 'DOMAIN\\ada', 'DOMAIN\\ada'],
  ])('%s', (_title, text, want) => expect(nameOf(decodeBytes(bytes(text)))).toBe(want));

  it('is another for any other bytes: all of two bytes, and all around an escape', () => {
    const all: Buffer[] = [];
    for (let one = 0; one < 256; one++) for (let two = 0; two < 256; two++) all.push(Buffer.from([one, two]));
    for (const letters of ['\\x5CxE9', '\\\\xE9', '\\xE9', '\xe9', '\\\xe9', '\\x5C\xe9', '\\x5\xe9', 'é'])
      all.push(bytes(letters));
    expect(new Set(all.map((each) => nameOf(decodeBytes(each)))).size).toBe(
      new Set(all.map((each) => each.toString('latin1'))).size,
    );
  });
});

describe('the name that a log gives', () => {
  const json = (user: string) => `{"user":"${user}","from_ms":1,"to_ms":2,"code":200}\n`;
  const hit = (user: string) =>
    `1795600800001000000,200,1500999,0,0,,,a,0,GET,http://h/?x=1&user=${user}#user=no,\n`;
  const csv = (user: string) => `code,user,from_ms,to_ms\n200,${user},1,2\n`;
  it.each([
    ['nginx writes bytes without escape=json', 'access-log', json('Jos\\xC3\\xA9'), 'José'],
    ['and those that are not UTF-8', 'access-log', json('Jos\\xE9'), 'Jos\\xE9'],
    ['and quotation marks', 'access-log', json('a\\x22b\\x5Cx41'), 'a"b\\x5Cx41'],
    ['Apache writes other escapes beside them', 'access-log', json('\\"\\\\xe9\\xe9'), '"\\xe9\\xE9'],
    ['raw bytes in JSON', 'access-log', json('Jos\xe9'), 'Jos\\xE9'],
    ['an address is encoded by percent', 'vegeta', hit('Jos%C3%A9'), 'José'],
    ['and of what is not UTF-8', 'vegeta', hit('Jos%e9'), 'Jos\\xE9'],
    ['and with blanks', 'vegeta', hit('a+b%20c%2B'), 'a b c+'],
    ['and of no encoding', 'vegeta', hit('100%'), '100%'],
    ['raw bytes in a table', 'csv', csv('Jos\xe9'), 'Jos\\xE9'],
  ] as const)('%s: %s', (_title, format, text, want) =>
    expect(readForeign(format, bytes(text), format === 'vegeta' ? { key: 'query.user' } : {}).names).toEqual([
      want,
    ]),
  );

  it.each([
    ['half a character', json('\\ud800')],
    ['the other half', json('\\udce9')],
    ['half a character next to a byte', json('\\udce9\xe9')],
  ])('is refused: %s', (_title, text) =>
    expect(() => readForeign('access-log', bytes(text))).toThrow(/^log:1: half a character/),
  );
});
