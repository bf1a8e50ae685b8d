import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainClaim, parseClaim } from './claim.ts';
import { formatLimit, type LimitUnit, parseLimit } from './claim-limit.ts';

describe('a claim', () => {
  it.each([
    ['total-excess <= 0', { measure: 'total-excess', unit: 'tokens', limit: 0 }],
    ['total-excess <= bound', { measure: 'total-excess', unit: 'bound' }],
    ['worst-window <= bound', { measure: 'worst-window', unit: 'bound' }],
    ['worst-window <= 2', { measure: 'worst-window', unit: 'tokens', limit: 2 }],
    ['total-excess <= 10%', { measure: 'total-excess', unit: 'share', limit: 0.1 }],
    ['worst-window <= 5%', { measure: 'worst-window', unit: 'share', limit: 0.05 }],
    [
      'false-denials <= 0.1% during cut',
      { measure: 'false-denials', unit: 'share', limit: 0.001, phase: 'during cut' },
    ],
    ['false-denials <= 0', { measure: 'false-denials', unit: 'count', limit: 0 }],
    ['replay <= 0', { measure: 'replay', unit: 'count', limit: 0 }],
    ['info <= 5%', { measure: 'info', unit: 'share', limit: 0.05 }],
    ['failed <= 0.5%', { measure: 'failed', unit: 'share', limit: 0.005 }],
    ['dropped <= 1% during cut', { measure: 'dropped', unit: 'share', limit: 0.01, phase: 'during cut' }],
    ['contested >= 80%', { measure: 'contested', unit: 'share', limit: 0.8 }],
    ['contested >= 3', { measure: 'contested', unit: 'count', limit: 3 }],
    ['p99(allowed) <= 250ms', { measure: 'p99', outcome: 'allowed', unit: 'time', limit: 250_000 }],
    ['p50(any) <= 1500ms', { measure: 'p50', unit: 'time', limit: 1_500_000 }],
    ['throughput >= 5000/s', { measure: 'throughput', unit: 'rate', limit: 5_000 }],
    ['total-excess <= 0 before', { phase: 'before' }],
    ['failed <= 5% during partition + latency', { phase: 'during partition + latency' }],
    ['max(denied) <= 2ms after kill', { measure: 'max', outcome: 'denied', phase: 'after kill' }],
  ])('%s is understood, and written as it was read', (text, want) => {
    expect(parseClaim(text)).toMatchObject({ text, ...want });
  });

  it.each([
    ['  info<=5%  ', 'info <= 5%'],
    ['p99 <= 1.5s', 'p99(any) <= 1500ms'],
    ['total-excess  <=  0.5   during   partition', 'total-excess <= 0.5 during partition'],
  ])('%j is written %s', (text, want) => expect(parseClaim(text).text).toBe(want));

  it.each([
    ['', /expected a measure, <= or >=, a limit/],
    ['total-excess', /expected a measure/],
    ['total-exces <= 0', /unknown measure "total-exces"; did you mean total-excess\?/],
    ['latency <= 5ms', /unknown measure "latency"; expected one of total-excess, /],
    ['toString <= 5', /unknown measure "toString"/],
    ['total-excess >= 0', /total-excess needs the operator <=/],
    ['contested < 80%', /contested needs the operator >=/],
    ['info <= 5', /the limit of info must be a share like 5%/],
    ['info <= 101%', /the limit of info must be a share/],
    ['false-denials <= 1.5', /the limit of false-denials must be a whole number/],
    ['false-denials <= bound', /must be a whole number/],
    ['replay <= 5%', /must be a whole number/],
    ['worst-window <= 5% before', /worst-window applies to the whole run/],
    ['total-excess <= -1', /a number of tokens like 2 or 0\.5 or a share like 5% or the word bound/],
    ['p99(allowed) <= 250', /a time like 250ms or 1\.5s/],
    ['p99(info) <= 250ms', /the outcome must be allowed, denied, failed or any/],
    ['info(allowed) <= 5%', /info takes no outcome/],
    [
      'info <= 5% while partition',
      /the phase must be before, during <fault> or after <fault>; found "while partition"/,
    ],
    ['worst-window <= 0 before', /worst-window applies to the whole run/],
    ['total-excess <= bound during kill', /a bound applies to the whole run/],
  ])('%j is refused, saying what is understood', (text, want) => {
    expect(() => parseClaim(text)).toThrow(want);
    expect(() => parseClaim(text)).toThrow(expect.objectContaining({ code: 'INVALID_CLAIM' }));
  });

  it.each([
    [
      'total-excess <= bound',
      'total-excess <= bound: at most the declared bound of the shard admitted beyond an ideal bucket, for any one bucket, over the whole run; if not, the run fails',
    ],
    [
      'p99(allowed) <= 250ms during partition',
      'p99(allowed) <= 250ms during partition: at most 250ms latency for 99 of 100 requests (allowed), during partition; if not, the exit code is 3 if all other claims hold',
    ],
    [
      'dropped <= 1%',
      'dropped <= 1%: at most 1% of the due requests are never sent, because every connection is busy, over the whole run; if not, the run has too little evidence',
    ],
    [
      'contested >= 80%',
      'contested >= 80%: at least 80% of the busiest planned buckets drained and denying, over the whole run; if not, the run has too little evidence',
    ],
  ])('%s is explained in a sentence', (text, want) => expect(explainClaim(parseClaim(text))).toBe(want));
});

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const decimals = (most: number) =>
  fc
    .tuple(digits(most), fc.option(digits(9)))
    .map(([whole, part]) => (part === null ? whole : `${whole}.${part}`));
const LIMITS: Readonly<Record<LimitUnit, fc.Arbitrary<string>>> = {
  tokens: decimals(15),
  count: digits(15),
  share: fc.oneof(decimals(2), fc.constant('100')).map((percent) => `${percent}%`),
  time: fc.tuple(decimals(9), fc.constantFrom('us', 'ms', 's')).map((parts) => parts.join('')),
  rate: decimals(9).map((amount) => `${amount}/s`),
  bound: fc.constant('bound'),
};

describe('a limit', () => {
  it.each(Object.entries(LIMITS))('in %s is printed as it can be read again, exactly', (name, texts) => {
    const unit = name as LimitUnit;
    fc.assert(
      fc.property(texts, (text) => {
        const read = parseLimit(text, [unit]);
        expect(read).toBeDefined();
        if (read === undefined) return;
        expect(parseLimit(formatLimit(read), [unit])).toEqual(read);
        expect(formatLimit(read)).toMatch(/^(bound|(0|[1-9]\d*)(\.\d*[1-9])?(%|us|ms|s|\/s)?)$/);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it.each([
    ['p99(allowed) <= 0.4us', 'p99(allowed) <= 0.0004ms'],
    ['info <= 0.004%', 'info <= 0.004%'],
    ['info <= 0.0%', 'info <= 0%'],
    ['throughput >= 0.04/s', 'throughput >= 0.04/s'],
    ['total-excess <= 0.0004', 'total-excess <= 0.0004'],
    ['max(any) <= 999999999s', 'max(any) <= 999999999s'],
  ])('of %s loses no digit', (text, want) => {
    expect(parseClaim(text).text).toBe(want);
    expect(parseClaim(want)).toEqual(parseClaim(text));
  });
});
