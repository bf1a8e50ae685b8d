import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';

const TEN = 1_795_600_800_000_000; // 2026-11-25T10:00:00Z
const AT = '25/Nov/2026:10:00:00 +0000';
const SECOND = 1_000_000;

describe('the combined and common format', () => {
  const nginx = { key: 'remote_addr', status: 'status', end: 'time_local', durationAtMostUs: SECOND / 2 };
  const line = (start = '10.0.0.1 - -', more = ' "-" "curl/8"') =>
    `${start} [${AT}] "GET /search?user=ada&q=1 HTTP/1.1" 200 612${more}\n`;

  it.each([
    {
      title: 'of nginx, whose time is the end',
      fields: nginx,
      want: { from: TEN - 1.5 * SECOND, to: TEN + SECOND },
    },
    {
      title: 'of Apache, whose time is the start',
      fields: { key: 'remote_addr', status: 'status', start: 'time_local', durationAtMostUs: SECOND / 2 },
      want: { from: TEN - SECOND, to: TEN + 1.5 * SECOND },
    },
    {
      title: 'with a duration after the user agent',
      text: line(undefined, ' "-" "curl/8" 0.120'),
      fields: { key: 'remote_addr', status: 'status', end: 'time_local', duration: '10', unit: 's' as const },
      want: { from: TEN - SECOND - 121_000, to: TEN + SECOND },
    },
  ])('is read $title', ({ text = line(), fields, want }) =>
    expect(readForeign('combined', text, fields).rows).toEqual([{ ...want, outcome: 'allowed' }]),
  );

  it.each([
    { title: 'an address', text: line(), key: 'remote_addr', want: '10.0.0.1' },
    {
      title: 'an address of version 6',
      text: line('2001:db8::7 - -'),
      key: 'remote_addr',
      want: '2001:db8::7',
    },
    { title: 'a user', text: line('a - ada'), key: 'remote_user', want: 'ada' },
    { title: 'a user with blanks', text: line('a - ada of x'), key: 'remote_user', want: 'ada of x' },
    { title: 'a user with a mark', text: line('a - \\x22ada'), key: 'remote_user', want: '"ada' },
    { title: 'a user of Apache', text: line('a - \\"a\\\\'), key: 'remote_user', want: '"a\\' },
    { title: 'a user in Latin-1', text: line('a - Jos\\xE9'), key: 'remote_user', want: 'Jos\\xE9' },
    { title: 'a parameter', text: line(), key: 'query.user', want: 'ada' },
    { title: 'a user agent', text: line(), key: 'http_user_agent', want: 'curl/8' },
    {
      title: 'a user agent with marks',
      text: line(undefined, ' "-" "a \\"b\\" \\x22c\\x22"'),
      key: 'http_user_agent',
      want: 'a "b" "c"',
    },
    { title: 'a value behind it', text: line(undefined, ' "-" "x" "k 7"'), key: '10', want: 'k 7' },
    { title: 'the common format', text: line(undefined, ''), key: 'remote_addr', want: '10.0.0.1' },
  ])('names the bucket by $title', ({ text, key, want }) =>
    expect(readForeign('combined', text, { ...nginx, key }).names).toEqual([want]),
  );

  it.each([
    {
      title: 'JSON',
      text: '{"a":1}\n',
      says: /^log:1: not in the combined format.*; it looks like JSON; use --from access-log/,
    },
    {
      title: 'too few values',
      text: `a - - [${AT}] "GET /" 200\n`,
      says: /^log:1: expected at least 7 values/,
    },
    {
      title: 'an open mark',
      text: `a - - [${AT}] "GET / 200\n`,
      says: /^log:1: value 1 has no recognisable end/,
    },
    {
      title: 'an unknown field',
      text: line(),
      key: 'api_key',
      says: /no request of \d+ has the field api_key \(--key\); fields of the first: remote_addr, remote_ident, .*, query.user, query.q$/,
    },
  ])('is refused with $title', ({ text, key = 'remote_addr', says }) =>
    expect(() => readForeign('combined', text, { ...nginx, key })).toThrow(says),
  );
});

describe("Envoy's text format", () => {
  const head = '[2026-11-25T10:00:00.310Z] "GET /search?user=ada HTTP/1.1" 429 -';
  const tail = '0 31 5 4 "10.0.0.1, 10.0.0.2" "curl/8" "f1-a" "api" "10.0.9.9:80"';
  const istio = 'via_upstream - "-"';
  const behind = 'outbound|80||api 10.0.9.1:4 10.0.9.2:5 10.0.9.3:6 - default';
  it.each([
    { title: 'of Envoy', text: `${head} ${tail}\n` },
    { title: 'of Istio', text: `${head} ${istio} ${tail} ${behind}\n` },
  ])('has start and duration in milliseconds: $title', ({ text }) => {
    const { rows, names } = readForeign('envoy', text, { key: 'x_forwarded_for' });
    expect(rows).toEqual([{ from: TEN + 309_000, to: TEN + 317_000, outcome: 'denied' }]);
    expect(names).toEqual(['10.0.0.1, 10.0.0.2']);
    expect(readForeign('envoy', text).names).toEqual(['ada']);
  });

  it('may be charged at any time where it has no duration, or no answer', () => {
    const good = Array.from({ length: 200 }, () => `${head} ${tail}\n`).join('');
    const { rows } = readForeign('envoy', `${good}${head} ${tail.replace(' 5 ', ' - ')}\n`);
    expect(rows.at(-1)).toEqual({ from: TEN + 309_000, to: Number.POSITIVE_INFINITY, outcome: 'info' });
    expect(readForeign('envoy', `${head.replace('429', '0')} ${tail}\n`).rows[0]).toMatchObject({
      to: Number.POSITIVE_INFINITY,
    });
  });

  it.each([
    {
      title: 'a mark within a header',
      text: `${head} ${tail.replace('curl/8', 'a" b "c')}\n`,
      says: /found 15/,
    },
    {
      title: 'text behind a mark',
      text: `${head} ${tail.replace('curl/8"', 'a"b')}\n`,
      says: /has no recognisable end/,
    },
    {
      title: 'lines of two formats',
      text: `${head} ${tail}\n${head} ${istio} ${tail} ${behind}\n`,
      says: /^log:2: expected the 13 values of Envoy's default format; found 22/,
    },
  ])('is refused with $title', ({ text, says }) => expect(() => readForeign('envoy', text)).toThrow(says));
});

describe("HAProxy's HTTP log", () => {
  const syslog = 'Nov 25 10:00:00 lb haproxy[14389]: ';
  const head = '10.0.1.2:33317 [25/Nov/2026:10:00:00.655] http-in static/srv1 10/0/30/69/109 200 2750';
  const line = (captured = '', ta = '109') =>
    `${head.replace('/109 ', `/${ta} `)} - - ---- 1/1/1/1/0 0/0${captured} "GET /index.html?user=ada HTTP/1.1"\n`;
  const fields = { key: 'client_ip', zone: 'Z' };
  it.each([
    { title: 'alone', text: line() },
    { title: 'after the prefix of syslog', text: syslog + line() },
    { title: 'with captured headers', text: line(' {k7|curl} {}') },
  ])('has the start and the whole time: $title', ({ text }) => {
    const { rows, names } = readForeign('haproxy', text, fields);
    expect(rows).toEqual([{ from: TEN + 654_000, to: TEN + 766_000, outcome: 'allowed' }]);
    expect(names).toEqual(['10.0.1.2']);
  });

  it('names the bucket by a captured header, or a parameter', () => {
    const name = (key: string) => readForeign('haproxy', line(' {k7|curl}'), { ...fields, key }).names[0];
    expect(['capture.0', 'capture.1', 'query.user'].map(name)).toEqual(['k7', 'curl', 'ada']);
  });

  it.each([
    { title: 'no zone', text: line(), zone: undefined, says: /is a date without a zone; use --zone UTC/ },
    { title: 'option logasap', text: line('', '+109'), zone: 'Z', says: /logged before it ended/ },
    { title: 'another format', text: 'GET /\n', zone: 'Z', says: /not in the format of option httplog/ },
  ])('is refused with $title', ({ text, zone, says }) =>
    expect(() =>
      readForeign('haproxy', text, { key: 'client_ip', ...(zone !== undefined && { zone }) }),
    ).toThrow(says),
  );
});
