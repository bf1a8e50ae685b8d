import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';
import { parseStatusPattern } from './status.ts';
import { readTime } from './time.ts';

function read(...parts: Parameters<typeof readForeign>) {
  const { rows, history, reader } = readForeign(...parts);
  return { rows: rows.map(({ from, to, outcome }) => [from, to, outcome]), history, skipped: reader.skipped };
}

describe('the time of a foreign log', () => {
  it.each([
    { text: '12', unit: 'ms', us: 12_000, errorUs: 1_000 },
    { text: '12.5', unit: 'ms', us: 12_500, errorUs: 100 },
    { text: '0.120', unit: 's', us: 120_000, errorUs: 1_000 },
    { text: '1795559409.216', unit: 's', us: 1_795_559_409_216_000, errorUs: 1_000 },
    { text: '1795559409.216235123', unit: 's', us: 1_795_559_409_216_235, errorUs: 1 },
    { text: '7', unit: 'us', us: 7, errorUs: 1 },
    { text: '2026-11-25T00:00:00Z', unit: undefined, us: 1_795_564_800_000_000, errorUs: 1_000_000 },
    { text: '2026-11-25T01:00:00.5+01:00', unit: undefined, us: 1_795_564_800_500_000, errorUs: 100_000 },
    { text: '1795559409216235999', unit: 'ns', us: 1_795_559_409_216_235, errorUs: 1 },
    { text: '1500', unit: 'ns', us: 1, errorUs: 1 },
    { text: '9.29e-7', unit: 's', us: 0, errorUs: 1 },
    { text: '1.5E-3', unit: 's', us: 1_500, errorUs: 100 },
    { text: '1.795559409216e+09', unit: 's', us: 1_795_559_409_216_000, errorUs: 1_000 },
    { text: '0.123s', unit: undefined, us: 123_000, errorUs: 1_000 },
    { text: '12ms', unit: 's', us: 12_000, errorUs: 1_000 },
    { text: '7.5µs', unit: undefined, us: 7, errorUs: 1 },
    { text: '2026-11-25 00:00:00.123456+00', unit: undefined, us: 1_795_564_800_123_456, errorUs: 1 },
    { text: '2026-11-25 01:00:00.123+01', unit: undefined, us: 1_795_564_800_123_000, errorUs: 1_000 },
    { text: '2026-11-25 00:00:00.5 UTC', unit: undefined, us: 1_795_564_800_500_000, errorUs: 100_000 },
    { text: '25/Nov/2026:00:00:00 +0000', unit: undefined, us: 1_795_564_800_000_000, errorUs: 1_000_000 },
  ] as const)('$text $unit is exact to its last digit', ({ text, unit, us, errorUs }) =>
    expect(readTime(text, { field: 'f', unit })).toEqual({ us, errorUs }),
  );

  it.each([
    { text: '-', says: /f has no value/ },
    { text: '1,234', says: /a thousands or decimal comma/ },
    { text: '0,5', says: /a thousands or decimal comma/ },
    { text: '1e30s', says: /beyond 2\^53 us, 285 years: is the unit right/ },
    { text: '0.002, 0.003', says: /must be a number/ },
    { text: '32/Foo/2026:00:00:00 +0000', says: /must be a number/ },
    { text: '12', says: /a number without a unit/ },
    { text: 'yesterday', says: /must be a number, an ISO 8601 date/ },
    { text: '2026-11-25T00:00:00', says: /a date without a zone; use --zone UTC, or --zone \+01:00/ },
  ])('$text is refused', ({ text, says }) =>
    expect(() => readTime(text, { field: 'f', unit: undefined })).toThrow(says),
  );
});

it.each([
  { zone: 'UTC', us: 1_795_564_800_000_000 },
  { zone: '+01:00', us: 1_795_561_200_000_000 },
  { zone: '-0530', us: 1_795_584_600_000_000 },
])('a date without a zone is of --zone $zone', ({ zone, us }) =>
  expect(readTime('2026-11-25 00:00:00', { field: 'f', unit: undefined, zone }).us).toBe(us),
);

describe('a table of comma-separated values', () => {
  it('gives one operation a line, each time widened by its last digit both ways', () => {
    const { rows, history } = read('csv', 'user,from_ms,to_ms,code\na,10,20,200\na,30,40,429\nb,50,60,503\n');
    expect(rows).toEqual([
      [9_000, 21_000, 'allowed'],
      [29_000, 41_000, 'denied'],
      [49_000, Number.POSITIVE_INFINITY, 'info'],
    ]);
    expect(history.header.initial).toBe('unknown');
    expect(history.end).toMatchObject({ sent: 3 });
  });

  it('is refused where one status means both', () => {
    const lists = { allow: () => true, settled: () => true };
    expect(() => read('csv', 'user,from_ms,to_ms,code\na,10,20,200\n', { lists })).toThrow(
      /2: the status "200" is in two lists, --allow and --settled/,
    );
  });

  it.each([
    {
      title: 'start and duration',
      text: 'user,from_ms,took_us,code\na,10,500,200\n',
      fields: { start: 'from_ms', duration: 'took_us' },
      want: [9_000, 11_501],
    },
    {
      title: 'end and duration',
      text: 'user,to_ms,took_us,code\na,10,500,200\n',
      fields: { end: 'to_ms', duration: 'took_us' },
      want: [8_499, 11_000],
    },
    {
      title: 'a unit that is given',
      text: 'user,from,to,code\na,10,20,200\n',
      fields: { start: 'from', end: 'to', unit: 's' as const },
      want: [9_000_000, 21_000_000],
    },
    {
      title: 'slack for clocks that are not one',
      text: 'user,from_ms,to_ms,code\na,10,20,200\n',
      fields: { start: 'from_ms', end: 'to_ms', clockSlackUs: 500 },
      want: [8_500, 21_500],
    },
    {
      title: 'quoted values',
      text: 'user,from_ms,to_ms,code\n"a,""b""",10,20,"200"\n',
      fields: { start: 'from_ms', end: 'to_ms' },
      want: [9_000, 21_000],
    },
    {
      title: 'tabs and carriage returns',
      text: 'user\tfrom_ms\tto_ms\tcode\r\na\t10\t20\t200\r\n',
      fields: { start: 'from_ms', end: 'to_ms' },
      want: [9_000, 21_000],
    },
  ])('is read with $title', ({ text, fields, want }) => {
    expect(read('csv', text, fields).rows[0]?.slice(0, 2)).toEqual(want);
  });

  it('leaves out lines without a key, and counts them', () => {
    const { rows, skipped } = read('csv', 'user,from_ms,to_ms,code\n,10,20,200\n-,10,20,200\na,10,20,200\n');
    expect([rows.length, skipped]).toEqual([1, 2]);
  });

  it('that breaks off in its last line is read without it', () => {
    const { history } = read('csv', 'user,from_ms,to_ms,code\na,10,20,200\nb,3');
    expect(history.files).toEqual([{ name: 'log', operations: 1, truncatedLine: 3 }]);
  });

  it.each([
    { title: 'before its status', end: 'b,30,40,' },
    { title: 'in a field that is then empty', end: 'b,30,-,200' },
    { title: 'in a field that is one all the same', end: 'b,30,40,42' },
    { title: 'before its cost', end: 'b,30,40,200,', more: { cost: 'cost' } },
  ])('that breaks off $title is read without that line', ({ end, more }) => {
    const [name, first] = more === undefined ? ['', ''] : [',cost', ',1'];
    const { history } = read('csv', `user,from_ms,to_ms,code${name}\na,10,20,200${first}\n${end}`, more);
    expect(history.files).toEqual([{ name: 'log', operations: 1, truncatedLine: 3 }]);
  });

  it('is read to its end where its last line is a whole JSON object without a newline', () => {
    const line = '{"user":"a","from_ms":10,"to_ms":20,"code":200}';
    const { history } = read('access-log', `${line}\n${line}`);
    expect(history.files).toEqual([{ name: 'log', operations: 2, sent: 2 }]);
  });

  it.each([
    {
      title: 'an unknown column',
      text: 'user,from_ms,to_ms\na,10,20\n',
      says: 'log:1: there is no column "code"; columns: user, from_ms, to_ms',
    },
    {
      title: 'too few columns',
      text: 'user,from_ms,to_ms,code\na,10\nb,10,20,200\n',
      says: 'log:2: expected 4 columns, found 2',
    },
    {
      title: 'an end before the start',
      text: 'user,from_ms,to_ms,code\na,30,20,200\n',
      says: 'log:2: it ends before it starts',
    },
    { title: 'nothing', text: '', says: 'log:1: the file has no operation' },
    {
      title: 'only names of columns',
      text: 'user,from_ms,to_ms,code\n',
      says: 'log:1: the file has no operation',
    },
  ])('is refused with $title', ({ text, says }) => expect(() => read('csv', text)).toThrow(says));
});

describe('an access log', () => {
  const fields = { start: 'ts', duration: 'request_time', unit: 's' as const };
  it.each([
    {
      title: 'a number as nginx writes it',
      line: '{"user":"a","ts":10.000,"request_time":0.120,"code":200}',
      want: [9_999_000, 10_122_000],
    },
    {
      title: 'a number whose zeros are kept',
      line: '{"user":"a","ts":10.000,"request_time":0.100,"code":200}',
      want: [9_999_000, 10_102_000],
    },
    {
      title: 'text',
      line: '{"user":"a","ts":"10.000","request_time":"0.120","code":"200"}',
      want: [9_999_000, 10_122_000],
    },
  ])('is read with $title', ({ line, want }) => {
    expect(read('access-log', `${line}\n`, fields).rows[0]?.slice(0, 2)).toEqual(want);
  });

  it('reaches into objects, as Envoy nests them', () => {
    const line = '{"request":{"user":"a"},"ts":1.0,"request_time":0.5,"code":429}';
    expect(read('access-log', `${line}\n`, { ...fields, key: 'request.user' }).rows[0]?.[2]).toBe('denied');
  });

  it.each([
    {
      title: 'a list of one, as Caddy has headers',
      line: '{"h":{"X-Key":["a"]},"ts":1.0,"d":0.5,"code":200}',
      key: 'h.X-Key',
    },
    {
      title: 'a list by its number',
      line: '{"h":{"X-Key":["a","b"]},"ts":1.0,"d":0.5,"code":200}',
      key: 'h.X-Key.0',
    },
    {
      title: 'an object in a list of one',
      line: '{"h":[{"k":"a"}],"ts":1.0,"d":0.5,"code":200}',
      key: 'h.k',
    },
    { title: 'a name with dots', line: '{"h.k":"a","ts":1.0,"d":0.5,"code":200}', key: 'h.k' },
    { title: 'a mark of byte order', line: '\ufeff{"h":"a","ts":1.0,"d":0.5,"code":200}', key: 'h' },
  ])('reaches into $title', ({ line, key }) =>
    expect(readForeign('access-log', `${line}\n`, { ...fields, duration: 'd', key }).names).toEqual(['a']),
  );

  it('does not choose among several values', () =>
    expect(() =>
      read('access-log', '{"h":["a","b"],"ts":1.0,"request_time":0.5,"code":200}\n', { ...fields, key: 'h' }),
    ).toThrow(/^log:1: h has 2 values; select one, like h\.0/));

  it('has one bucket where no field names any', () => {
    const text = '{"ts":1.0,"request_time":0.5,"code":200}\n';
    expect(readForeign('access-log', text, { ...fields, oneBucket: true }).names).toEqual(['all']);
  });

  it('lists the fields if none is the key', () =>
    expect(() => read('access-log', '{"a":{"b":1,"c":[1]},"d":2}\n', { ...fields, key: 'api_key' })).toThrow(
      /^log:1: no request of 1 has the field api_key \(--key\); fields of the first: a\.b, a\.c, d$/,
    ));

  it('is refused where it is no JSON, with file and line', () =>
    expect(() => read('access-log', '{"a"\n{}\n')).toThrow(/^log:1: not JSON/));
});

describe('a status pattern', () => {
  it.each([
    ['2xx', '204', true],
    ['2xx', '2044', false],
    ['200-299,304', '304', true],
    ['200-299', '300', false],
    ['OK', 'OK', true],
  ])('%s of %s is %s', (pattern, status, want) => expect(parseStatusPattern(pattern)(status)).toBe(want));

  it('is refused where a range ends before it begins', () =>
    expect(() => parseStatusPattern('200,599-500')).toThrow(
      'a range of statuses begins with the lower one; found "599-500"',
    ));
});
