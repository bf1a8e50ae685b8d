import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';
import type { ForeignFormat } from './formats/formats.ts';

type Changes = Parameters<typeof readForeign>[2];

function statedIn(format: ForeignFormat, text: string, changes?: Changes) {
  const { history, reader } = readForeign(format, text, changes);
  const { operations: table } = history;
  const rows = Array.from({ length: table.rows }, (_, row) => table.statedOf(row));
  return { rows, has: table.hasStated, notes: reader.notes() };
}

const any = 'any' as const;
const csv = (names: string, ...rows: string[]) =>
  ['user,from_ms,to_ms,code', ...rows.map((_, at) => `u,${at},${at + 1},${at === 0 ? 200 : 429}`)]
    .map((line, at) => `${line},${[names, ...rows][at]}\n`)
    .join('');
const json = (fields: object, code = 200) =>
  `${JSON.stringify({ user: 'u', from_ms: 1, to_ms: 2, code, ...fields })}\n`;

describe('what a log states', () => {
  it.each([
    [
      'remaining in its field',
      csv('left', '7', '0'),
      { 'x-ratelimit-remaining': 'left' },
      [{ remaining: 7 }, { remaining: 0 }],
    ],
    [
      'nothing where a field is empty',
      csv('left', '', '-'),
      { 'x-ratelimit-remaining': 'left' },
      [undefined, undefined],
    ],
    [
      'a wait in seconds',
      csv('wait', '', '1.5'),
      { 'retry-after': 'wait' },
      [undefined, { retryAfterS: 1.5 }],
    ],
    [
      'a wait in the unit of its name',
      csv('wait_ms', '', '1500'),
      { 'retry-after': 'wait_ms' },
      [undefined, { retryAfterS: 1.5 }],
    ],
    [
      'a wait as a date',
      csv('wait', '', '"Fri, 31 Dec 1999 23:59:59 GMT"'),
      { 'retry-after': 'wait' },
      [undefined, { retryAtS: 946_684_799 }],
    ],
    [
      'a reset and a limit',
      csv('until,most', '1795559409,20', '30,20'),
      { 'x-ratelimit-reset': 'until', 'x-ratelimit-limit': 'most' },
      [
        { reset: 1_795_559_409, resetForm: any, limit: 20 },
        { reset: 30, resetForm: any, limit: 20 },
      ],
    ],
    [
      'whole headers',
      csv('rate,policy', '"""a"";r=5;t=3","""a"";q=20;w=4"', ','),
      { ratelimit: 'rate', 'ratelimit-policy': 'policy' },
      [{ remaining: 5, reset: 3, resetForm: 'delta' as const, limit: 20, windowS: 4 }, undefined],
    ],
    [
      'a policy with a name, of the limiter whose tokens another field has',
      csv('left,policy', '7,"""a"";q=20;w=4"', '0,'),
      { 'x-ratelimit-remaining': 'left', 'ratelimit-policy': 'policy' },
      [{ remaining: 7, limit: 20, windowS: 4 }, { remaining: 0 }],
    ],
    [
      'a whole header, and what it lacks in other fields',
      csv('rate,until,most', '"""a"";r=5",30,20', ',30,'),
      { ratelimit: 'rate', 'x-ratelimit-reset': 'until', 'x-ratelimit-limit': 'most' },
      [
        { remaining: 5, reset: 30, resetForm: any, limit: 20 },
        { reset: 30, resetForm: any },
      ],
    ],
  ])('%s', (_title, text, stated, want) => {
    expect(statedIn('csv', text, { stated }).rows).toEqual(want);
  });

  it('is refused for a column that is not there', () => {
    const read = () => statedIn('csv', csv('left', '7', '0'), { stated: { 'retry-after': 'wait' } });
    expect(read).toThrow(/there is no column "wait"/);
  });

  it.each([
    ['remaining', 'x_ratelimit_remaining', '7', { remaining: 7 }],
    ['remaining of nginx', 'sent_http_x_ratelimit_remaining', '7', { remaining: 7 }],
    ['remaining of a service behind nginx', 'upstream_http_ratelimit_remaining', '7', { remaining: 7 }],
    ['remaining of Traefik', 'downstream_X-Rate-Limit-Remaining', '7', { remaining: 7 }],
    ['an own name', 'rate_limit_remaining', '7', { remaining: 7 }],
    ['a reset, whose unit is open', 'ratelimit_reset', '30', { reset: 30, resetForm: any }],
    ['a reset in the unit of its name', 'rate_limit_reset_ms', '30', { reset: 0.03, resetForm: any }],
    ['a wait', 'retry_after', '2', { retryAfterS: 2 }],
    ['a wait in milliseconds', 'retry_after_ms', '2500', { retryAfterS: 2.5 }],
    ['a whole header', 'resp_headers.Ratelimit', '"a";r=5', { remaining: 5 }],
    ['a header in a list', 'response.headers.Retry-After', ['2'], { retryAfterS: 2 }],
    ['no two values', 'resp_headers.Retry-After', ['2', '3'], undefined],
    ['no text as long as a page', 'resp_headers.Ratelimit', `"${'a'.repeat(900_000)}";r=5`, undefined],
    ['no header of a request', 'request.headers.X-Ratelimit-Remaining', '7', undefined],
    ['no other word', 'remaining', '7', undefined],
    ['no policy by name', 'rate_limit', 'gold', undefined],
    ['no longest wait', 'max_retry_after', '2', undefined],
  ])('is guessed from a name: %s', (_title, name, value, want) => {
    const path = name.split('.').reverse();
    const fields = path.reduce<unknown>((inner, each) => ({ [each]: inner }), value) as object;
    const { rows, notes } = statedIn('access-log', json(fields, 429) + json({}));
    expect(rows).toEqual([want, undefined]);
    expect(notes.length).toBe(want === undefined ? 0 : 1);
    if (want !== undefined) expect(notes[0]).toContain(`is read from the fields ${name};`);
  });

  it.each([
    [
      'of one family',
      { ratelimit_remaining: '7', ratelimit_reset: '30', ratelimit_limit: '20', x_ratelimit_limit: '1000' },
      { remaining: 7, reset: 30, resetForm: any, limit: 20 },
    ],
    [
      "without a gateway's policy",
      { x_ratelimit_remaining: '7', ratelimit_policy: '1000;w=60' },
      { remaining: 7 },
    ],
  ])('is guessed from several names %s', (_title, fields, want) => {
    expect(statedIn('access-log', json(fields)).rows).toEqual([want]);
  });

  it('is not guessed beside a field that was named', () => {
    const line = json({ left: 7, retry_after: 2 }, 429);
    const { rows, notes } = statedIn('access-log', line, { stated: { 'x-ratelimit-remaining': 'left' } });
    expect([rows, notes]).toEqual([[{ remaining: 7 }], []]);
  });

  it('is guessed from the first denial, however late it comes', () => {
    const lines = json({}).repeat(2_500) + json({ retry_after: 2 }, 429);
    expect(statedIn('access-log', lines).rows.at(-1)).toEqual({ retryAfterS: 2 });
  });

  it('is nothing for a request of unknown charge, whose wait is of the server', () => {
    expect(statedIn('access-log', json({ retry_after: 2 }, 503) + json({})).has).toBe(false);
  });

  it.each([
    [
      'JSON',
      JSON.stringify({
        ...{ timestamp: '2026-11-25T12:00:00Z', code: 429, latency: 100, url: 'http://h/?user=a' },
        headers: { 'Retry-After': ['2'], 'X-Ratelimit-Remaining': ['0'] },
      }),
    ],
    [
      'CSV',
      `1795600800000000000,429,100,0,0,,,a,0,GET,http://h/?user=a,${btoa('Retry-After: 2\r\nX-Ratelimit-Remaining: 0\r\n')}`,
    ],
  ])("is in vegeta's headers, as %s", (_title, line) => {
    expect(statedIn('vegeta', `${line}\n`).rows).toEqual([{ remaining: 0, retryAfterS: 2 }]);
  });
});
