import { describe, expect, it } from 'vitest';
import { type ArrivalFields, ArrivalReader, leftOutTexts } from './arrivals.ts';

function read(text: string, fields: ArrivalFields = {}, { isCut = false } = {}) {
  const reader = new ArrivalReader(fields, ['us-east', 'eu-west']);
  reader.startFile('access.log');
  reader.push(Buffer.from(text));
  reader.endFile(isCut);
  return reader.finish();
}

const CSV = 'who,at_ms,units,where\nada,1000,1,us-east\nbob,1250.5,3,eu-west\nada,900,1,us-east\n';
const OF_CSV = { key: 'who', start: 'at_ms' };

describe('the requests of a log', () => {
  it('are in the order of their arrival, from the first on', () => {
    expect(read(CSV, OF_CSV)).toEqual({
      requests: [
        { atUs: 0, user: 'ada', cost: 1 },
        { atUs: 100_000, user: 'ada', cost: 1 },
        { atUs: 350_500, user: 'bob', cost: 1 },
      ],
      keyless: 0,
      unread: 0,
    });
  });

  it('have the costs and the regions of the log, if fields name them', () => {
    const { requests } = read(CSV, { ...OF_CSV, cost: 'units', region: 'where' });
    expect(requests.at(-1)).toEqual({ atUs: 350_500, user: 'bob', cost: 3, region: 'eu-west' });
  });

  it('arrived one duration before their ends', () => {
    const text = 'u,end_s,took_ms\nada,10.5,500\nbob,10.2,0\n';
    const { requests } = read(text, { key: 'u', end: 'end_s', duration: 'took_ms' });
    expect(requests.map(({ user, atUs }) => [user, atUs])).toEqual([
      ['ada', 0],
      ['bob', 200_000],
    ]);
  });

  it.each<[string, string, ArrivalFields, [string, number][]]>([
    [
      'the combined format',
      '2001:db8::1 - ada [25/Nov/2026:10:00:01 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n' +
        '10.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 429 5 "-" "curl"\n',
      {},
      [
        ['10.0.0.1', 0],
        ['2001:db8::1', 1_000_000],
      ],
    ],
    [
      'JSON with a date',
      '{"time":"2026-11-25T10:00:00.250Z","user":"auth0|7"}\n{"time":"2026-11-25T10:00:00Z","user":"bob"}\n',
      { key: 'user', start: 'time' },
      [
        ['bob', 0],
        ['auth0|7', 250_000],
      ],
    ],
    [
      'the history of a run',
      '{"type":"header","format":"openclaw-history","version":1}\n{"type":"clock","node":"n","atUs":1}\n' +
        '{"type":"op","index":0,"bucket":"ratings:u1","user":"u1","region":"us-east","cost":1,"invokedUs":700}\n',
      {},
      [['u1', 0]],
    ],
  ])('of %s are found without being told the format', (_what, text, fields, expected) => {
    const { requests, keyless, unread } = read(text, fields);
    expect(requests.map(({ user, atUs }) => [user, atUs])).toEqual(expected);
    expect([keyless, unread]).toEqual([0, 0]);
  });

  it('of the history of an open load were due when the load says', () => {
    const op = (index: number, dueUs: number, invokedUs: number) =>
      `{"type":"op","index":${index},"user":"u1","region":"us-east","cost":1,"invokedUs":${invokedUs},"intendedUs":${dueUs}}\n`;
    const text = `{"type":"header","format":"openclaw-history"}\n${op(0, 0, 900)}${op(1, 500, 901)}`;
    expect(read(text).requests.map(({ atUs }) => atUs)).toEqual([0, 500]);
  });

  it('leave out lines without a key, and one in a hundred that cannot be read', () => {
    const rows = Array.from({ length: 200 }, (_, nth) => `u${nth},${nth}`);
    const text = ['who,at_ms', ...rows, '-,5', 'ada,soon', 'a b,7'].join('\n');
    const found = read(text, OF_CSV);
    expect(found).toMatchObject({ keyless: 1, unread: 2, requests: { length: 200 } });
    expect(leftOutTexts(found)).toEqual([
      '1 line without a key, not sent again',
      '2 lines that cannot be read, not sent again, the first: access.log:203: at_ms must be a number, an ISO 8601 date or nginx\' $time_local; found "soon"',
    ]);
  });

  it('do not include the last line of an archive that is cut off', () => {
    expect(read('who,at_ms\nada,1\nbob,2', OF_CSV, { isCut: true }).requests).toHaveLength(1);
  });
});

describe('a log that cannot be sent again is refused:', () => {
  it.each<[string, string, ArrivalFields, RegExp]>([
    ['no file content', '', OF_CSV, /^access\.log:1: the file has no request$/],
    [
      'no key named',
      CSV,
      { start: 'at_ms' },
      /expected key, the field .*; fields of the first line: who, at_ms/,
    ],
    ['no time named', CSV, { key: 'who' }, /expected start, the field with the time/],
    [
      'a key that no line has',
      '{"a":1}\n',
      { key: 'user', start: 'a' },
      /no line has a value in the field "user" \(key\); .*: a$/,
    ],
    [
      'a time without a unit',
      'who,at\nada,5\n',
      { key: 'who', start: 'at' },
      /:2: at is a number without a unit; .*use unit:/,
    ],
    [
      'a cost of 0',
      CSV.replace(',3,', ',0,'),
      { ...OF_CSV, cost: 'units' },
      /:3: units must be a whole number/,
    ],
    [
      'a region that the run lacks',
      CSV.replace('eu-west', 'mars'),
      { ...OF_CSV, region: 'where' },
      /:3: where must be a region .*"mars"/,
    ],
    [
      'too many lines that cannot be read',
      `${CSV}ada,soon\nada,later\n`,
      OF_CSV,
      /:5: .*2 of 5 lines are unreadable/,
    ],
  ])('%s', (_what, text, fields, message) => {
    expect(() => read(text, fields)).toThrow(message);
  });
});
