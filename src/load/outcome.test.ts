import { describe, expect, it } from 'vitest';
import { type Evidence, formatEvidence } from '../core/decision.ts';
import { type Problem, reducedCapacity } from '../http/problem.ts';
import { BY_STATUS, readerOf, readReply } from './outcome.ts';

const none = problem('none');
const possible = problem('possible');

function problem(charge: Problem['charge'] & string): string {
  return JSON.stringify(reducedCapacity({ detail: 'x', code: 'REDIS_UNREACHABLE', charge }));
}

describe('a reply', () => {
  it.each([
    ['200 is allowed', 200, '{}', 'allowed', undefined],
    ['201 is allowed', 201, '{"item":"x"}', 'allowed', undefined],
    ['299 is allowed, whatever its body', 299, 'no JSON', 'allowed', undefined],
    ['429 is denied', 429, '{}', 'denied', undefined],
    ['400 failed, since it was refused before the limiter', 400, '{}', 'failed', 'HTTP_400'],
    ['429 that says of a charge that there was none is denied', 429, none, 'denied', undefined],
    ['429 after another service that may have charged is info', 429, possible, 'info', 'HTTP_429'],
    ['400 after another service that may have charged is info', 400, possible, 'info', 'HTTP_400'],
    ['429 with the word elsewhere is denied', 429, '{"detail":"possible"}', 'denied', undefined],
    ['499 failed', 499, none, 'failed', 'HTTP_499'],
    ['503 that charged nothing failed', 503, none, 'failed', 'REDIS_UNREACHABLE'],
    ['503 that may have charged is info', 503, possible, 'info', 'REDIS_UNREACHABLE'],
    ['504 that may have charged is info', 504, possible, 'info', 'REDIS_UNREACHABLE'],
    ['503 without a word about charges is info', 503, '{"code":"X"}', 'info', 'X'],
    ['503 with another word for none is info', 503, '{"charge":"NONE"}', 'info', 'HTTP_503'],
    ['503 with a code that is no text is info', 503, '{"charge":"possible","code":7}', 'info', 'HTTP_503'],
    ['500 of some proxy is info', 500, '<html>', 'info', 'HTTP_500'],
    ['502 without a body is info', 502, '', 'info', 'HTTP_502'],
    ['503 with a body cut short is info', 503, none.slice(0, -1), 'info', 'HTTP_503'],
    ['503 with null for a body is info', 503, 'null', 'info', 'HTTP_503'],
    ['503 with a list for a body is info', 503, '["none"]', 'info', 'HTTP_503'],
    ['302 is info', 302, '', 'info', 'HTTP_302'],
    ['103 is info', 103, '', 'info', 'HTTP_103'],
  ] as const)('%s', (_title, status, body, outcome, error) => {
    const want = { outcome, status, ...(error === undefined ? {} : { error }) };
    expect(readReply(status, [], body)).toEqual(want);
  });
});

describe('the evidence of a reply', () => {
  const decision: Evidence = {
    strategy: 'central',
    node: '127.0.0.1:6379',
    source: 'redis',
    atUs: 1_795_559_409_216_235,
    bucketUs: 1_795_559_409_216_236,
    levelQuanta: 3_800_000,
  };
  const header = formatEvidence(decision);

  it.each([
    ['is read from its header', ['openclaw-decision', header], decision],
    ['is read in any case', ['Content-Type', 'x', 'OpenClaw-Decision', header], decision],
    ['is absent without a header', ['content-type', 'x'], undefined],
    ['is absent if the header is another', ['openclaw-decision', 'x=1'], undefined],
    [
      'is absent where two headers contend',
      ['openclaw-decision', header, 'Openclaw-Decision', header],
      undefined,
    ],
  ])('%s', (_title, headers, want) => {
    expect(readReply(201, headers, '').decision).toEqual(want);
    expect('decision' in readReply(201, headers, '')).toBe(want !== undefined);
  });

  it.each([201, 429, 400, 503])('goes with a reply %i', (status) => {
    expect(readReply(status, ['openclaw-decision', header], none).decision).toEqual(decision);
  });
});

describe('a reply of any other API', () => {
  const read = readerOf(BY_STATUS);
  it.each([
    [200, 'allowed'],
    [429, 'denied'],
    ...[302, 401, 408, 499, 500, 502, 503, 504].map((status) => [status, 'info'] as const),
  ] as const)('%i is %s, as in a log: neither list means charged at any time', (status, outcome) =>
    expect(read(status, [], '').outcome).toBe(outcome),
  );
});

describe('what the limiter stated', () => {
  const headers = ['RateLimit', '"a";r=3', 'retry-after', '2'];
  const stated = { remaining: 3, retryAfterS: 2 };
  const other = readerOf(BY_STATUS);

  it.each([
    ['of an allowed request', readReply, 201, stated],
    ['of a denied request', readReply, 429, stated],
    ['is not of a refused one', readReply, 400, undefined],
    ['is not of one without a decision, whose retry-after is of the service', readReply, 503, undefined],
    ['of an allowed request to another API', other, 200, stated],
    ['of a denied request to another API', other, 429, stated],
    ['is not of another status of another API', other, 503, undefined],
  ] as const)('%s', (_title, read, status, want) => {
    expect(read(status, headers, '').stated).toEqual(want);
    expect('stated' in read(status, [], '')).toBe(false);
  });
});

it.each([
  { status: 201, header: 'done', want: 'allowed' },
  { status: 201, header: 'none', want: 'failed' },
  { status: 201, header: 'possible', want: 'info' },
  { status: 201, header: undefined, want: 'info' },
  { status: 429, header: 'done', want: undefined },
])('a settlement is $want after $status with $header', ({ status, header, want }) => {
  const headers = header === undefined ? [] : ['openclaw-settled', header];
  expect(readerOf({ of: 'sample' }, { reserve: true })(status, headers, '{}').settled).toBe(want);
});
