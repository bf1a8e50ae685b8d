import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStatedHeaders, STATED_HEADERS } from './headers.ts';

/** Lines `Name: value`, as raw headers. */
function raw(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
    return [name, value];
  });
}

const delta = 'delta' as const;
const any = 'any' as const;

describe('the headers of a reply state', () => {
  it.each([
    ['nothing, if there are none', [], undefined],
    ['nothing in others', ['content-type: x', 'x-request-id: 5', 'referrer-policy: y'], undefined],
    [
      'what drafts since 08 say',
      ['RateLimit: "default";r=50;t=30', 'RateLimit-Policy: "default";q=100;w=60'],
      { remaining: 50, reset: 30, resetForm: delta, limit: 100, windowS: 60 },
    ],
    [
      'the same with spaces, a partition key and a comment',
      [
        'RateLimit: "100-in-1min"; r=99; t=60',
        'RateLimit-Policy: "100-in-1min"; q=100; w=60; pk=:YTcw==:; comment="a, \\"b\\"; c"',
      ],
      { remaining: 99, reset: 60, resetForm: delta, limit: 100, windowS: 60 },
    ],
    ['a name without quotation marks', ['ratelimit: default;r=5'], { remaining: 5 }],
    ['requests as their unit', ['RateLimit-Policy: "a";q=9;qu="requests"'], { limit: 9 }],
    ['nothing of bytes', ['RateLimit: "a";r=5', 'RateLimit-Policy: "a";q=9;qu="content-bytes"'], undefined],
    [
      'what draft 07 says',
      ['RateLimit: limit=100, remaining=50, reset=5', 'RateLimit-Policy: 100;w=60;comment="x"'],
      { remaining: 50, reset: 5, resetForm: delta, limit: 100, windowS: 60 },
    ],
    [
      'what drafts up to 06 say',
      ['RateLimit-Limit: 100, 100;w=60', 'RateLimit-Remaining: 50', 'RateLimit-Reset: 5'],
      { remaining: 50, reset: 5, resetForm: delta, limit: 100, windowS: 60 },
    ],
    ['a window of the limit itself', ['RateLimit-Limit: 100;w=60'], { limit: 100, windowS: 60 }],
    [
      'X-RateLimit in any case, its reset in any form',
      ['x-ratelimit-limit: 60', 'X-RateLimit-Remaining: 56', 'X-RATELIMIT-RESET: 1372700873'],
      { remaining: 56, reset: 1_372_700_873, resetForm: any, limit: 60 },
    ],
    [
      'X-Rate-Limit, with a fraction',
      ['X-Rate-Limit-Limit: 60', 'X-Rate-Limit-Remaining: 5', 'X-Rate-Limit-Reset: 1661784139.727'],
      { remaining: 5, reset: 1_661_784_139.727, resetForm: any, limit: 60 },
    ],
    [
      "Envoy's limit with its policy",
      ['x-ratelimit-limit: 10, 10;w=1;name="per-ip"', 'x-ratelimit-remaining: 9', 'x-ratelimit-reset: 1'],
      { remaining: 9, reset: 1, resetForm: any, limit: 10, windowS: 1 },
    ],
    [
      'the drafts before X-RateLimit',
      ['X-RateLimit-Remaining: 2', 'X-RateLimit-Reset: 1372700873', 'RateLimit: "a";r=2;t=3'],
      { remaining: 2, reset: 3, resetForm: delta },
    ],
    [
      'X-RateLimit where a draft is unreadable',
      ['RateLimit-Remaining: many', 'X-RateLimit-Remaining: 1'],
      { remaining: 1 },
    ],
    ['a wait in seconds', ['Retry-After: 120'], { retryAfterS: 120 }],
    ['a wait with a fraction', ['retry-after: 0.25'], { retryAfterS: 0.25 }],
    ['a wait below 0', ['Retry-After: -1'], { retryAfterS: -1 }],
    ['a date', ['Retry-After: Fri, 31 Dec 1999 23:59:59 GMT'], { retryAtS: 946_684_799 }],
    [
      'no more than the wait of several policies',
      ['RateLimit: "a";r=5, "b";r=3', 'RateLimit-Policy: "a";q=9;w=1, "b";q=99;w=60', 'Retry-After: 2'],
      { retryAfterS: 2 },
    ],
    [
      'nothing of a level for one of several',
      ['RateLimit: "a";r=5', 'RateLimit-Policy: "a";q=9, "b";q=99'],
      undefined,
    ],
    ['nothing of several in two lines', ['RateLimit: "a";r=5', 'RateLimit: "b";r=3'], undefined],
    [
      "an application's level without its gateway's policy",
      ['RateLimit-Policy: "gateway";q=1000;w=60', 'X-RateLimit-Remaining: 5', 'X-RateLimit-Reset: 9'],
      { remaining: 5, reset: 9, resetForm: any },
    ],
    [
      "an application's X-RateLimit with its own limit, beside a policy of a gateway",
      ['RateLimit-Policy: 1000;w=60', 'X-RateLimit-Limit: 20', 'X-RateLimit-Remaining: 5'],
      { remaining: 5, limit: 20 },
    ],
    [
      'nothing of a draft and of X-RateLimit with another level',
      ['RateLimit: "a";r=2', 'X-RateLimit-Limit: 1000', 'X-RateLimit-Remaining: 900', 'X-RateLimit-Reset: 3'],
      undefined,
    ],
    [
      'a level with a name without the limit of older drafts',
      ['RateLimit: "a";r=2;t=3', 'RateLimit-Limit: 1000', 'RateLimit-Remaining: 900'],
      { remaining: 2, reset: 3, resetForm: delta },
    ],
    [
      "older drafts' level with a policy without a name",
      ['RateLimit-Limit: 100', 'RateLimit-Remaining: 50', 'RateLimit-Reset: 5', 'RateLimit-Policy: 100;w=60'],
      { remaining: 50, reset: 5, resetForm: delta, limit: 100, windowS: 60 },
    ],
    [
      "nothing of older drafts' level beside a policy with a name",
      ['RateLimit-Remaining: 5', 'RateLimit-Policy: "gateway";q=1000;w=60'],
      undefined,
    ],
    [
      'nothing of a level with a name beside a policy without one',
      ['RateLimit: "a";r=5', 'RateLimit-Policy: 1000;w=60', 'Retry-After: 1'],
      { retryAfterS: 1 },
    ],
    [
      'a policy alone',
      ['RateLimit-Policy: "a";q=9;w=1', 'X-RateLimit-Limit: 1000'],
      { limit: 9, windowS: 1 },
    ],
    ['nothing of a level of another policy', ['RateLimit: "a";r=5', 'RateLimit-Policy: "b";q=9'], undefined],
    [
      'nothing of several old policies',
      ['RateLimit-Limit: 10, 10;w=1, 50;w=60', 'RateLimit-Remaining: 1'],
      undefined,
    ],
    [
      'nothing of two limits',
      ['RateLimit-Limit: 10', 'RateLimit-Limit: 20', 'RateLimit-Remaining: 1'],
      undefined,
    ],
    [
      'what a plug-in stated, instead of the headers that its service made of it',
      ['RateLimit: "a";r=2', 'Retry-After: 1', 'openclaw-stated: {"remaining":2.5,"retryAfterS":0.183412}'],
      { remaining: 2.5, retryAfterS: 0.183412 },
    ],
    ['nothing of a plug-in that stated nothing', ['Retry-After: 1', 'openclaw-stated: {}'], undefined],
    [
      'no level if a gateway and the application state different ones',
      [
        ...['x-ratelimit-limit: 100', 'x-ratelimit-remaining: 57', 'Retry-After: 2'],
        ...['RateLimit: "gw";r=9999;t=1', 'RateLimit-Policy: "gw";q=10000;w=1'],
      ],
      { retryAfterS: 2 },
    ],
    [
      'no level if one family has a reset and the other what remains',
      ['x-ratelimit-remaining: 57', 'ratelimit-reset: 1'],
      undefined,
    ],
    ['nothing of a plug-in that stated no number', ['openclaw-stated: {"remaining":"2"}'], undefined],
    ['nothing of two waits', ['Retry-After: 1', 'Retry-After: 2'], undefined],
  ])('%s', (_title, lines, want) => {
    expect(readStatedHeaders(raw(lines))).toEqual(want);
  });

  it.each([
    ...[
      '',
      ' ',
      '1 2',
      '1,5',
      '0x10',
      '1e3',
      'NaN',
      'Infinity',
      '--1',
      '1.',
      '.5',
      '12345678901234567',
      'null',
    ],
    ...['Fri, 31 Foo 1999 23:59:59 GMT', 'Fri, 31 Dec 1999 23:59:59', '31 Dec 1999', '1999-12-31T23:59:59Z'],
    ...[
      '"',
      '"a',
      '"a\\',
      ';',
      ';r=5',
      '=',
      'a=',
      'r==5',
      '"a";r=',
      '"a";=5',
      '"a" "b"',
      '"a";r=5,',
      ',',
      ':a',
      '\u0000',
    ],
    ...[
      '"a";r=x',
      '"a";r="five"',
      `"${'a'.repeat(2_000)}";r=5`,
      `"a";r=5${';x'.repeat(600)}`,
      '('.repeat(900),
    ],
  ])('nothing if all of them are %j', (text) => {
    for (const name of STATED_HEADERS) expect(readStatedHeaders([name, text])).toBeUndefined();
  });

  it('what can be read beside what cannot', () => {
    const lines = ['RateLimit: "a";r=5;t=soon', 'RateLimit-Policy: "a";q=x;w=4', 'Retry-After: later'];
    expect(readStatedHeaders(raw(lines))).toEqual({ remaining: 5, windowS: 4 });
  });

  it('finite numbers or nothing, whatever they are', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '"',
        ';',
        ',',
        '=',
        ' ',
        'r',
        't',
        'q',
        'w',
        'limit',
        '5',
        '-',
        '.',
        ':',
        '\\',
        'GMT',
        '\u00ff',
      ),
      fc.string({ maxLength: 3 }),
    );
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const headers = fc.array(fc.tuple(fc.constantFrom(...STATED_HEADERS), text), { maxLength: 5 });
    fc.assert(
      fc.property(headers, (lines) => {
        const { resetForm, ...values } = readStatedHeaders(lines.flat()) ?? {};
        expect(Object.values(values).every((value) => Math.abs(value) < 1e15)).toBe(true);
        expect(resetForm === undefined).toBe(values.reset === undefined);
      }),
      { numRuns: 5_000, seed: 22 },
    );
  });

  it('the same when a text comes again, also after thousands of others', () => {
    const read = (remaining: number) => readStatedHeaders(['RateLimit', `"a";r=${remaining}`])?.remaining;
    for (let remaining = 0; remaining < 3_000; remaining++) expect(read(remaining)).toBe(remaining);
    expect(read(7)).toBe(7);
  });
});
