import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { formatPromise, parsePromise } from '../../core/promise.ts';
import type { Outcome } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;

/** A multiple of every window here: windows of the epoch are judged where times are dates. */
const SINCE_1970_S = 1_800_000_000;

/** Whether the bucket breaks its promise; times in seconds. */
function broken(
  promise: string,
  spans: readonly (readonly [from: number, to: number, outcome?: Outcome, cost?: number])[],
) {
  const parts = spans.map(
    ([from, to, outcome, cost]): OperationPart => ({
      invokedUs: Math.round((SINCE_1970_S + from) * S),
      completedUs: Math.round((SINCE_1970_S + to) * S),
      outcome: outcome ?? 'allowed',
      cost: cost ?? 1,
    }),
  );
  const options = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
  return checkHistory(historyOf(parts), { ...options, promise: parsePromise(promise) });
}

const many = (count: number, from: number, to = from) =>
  Array.from({ length: count }, () => [from, to] as const);

describe('a promise of a window', () => {
  it.each([
    {
      title: 'the limit in one window',
      promise: 'sliding-window:3/10s',
      passes: many(3, 1),
      fails: many(4, 1),
    },
    {
      title: 'the limit again, a window later',
      promise: 'sliding-window:3/10s',
      passes: [...many(3, 1), ...many(1, 11)],
      fails: [...many(3, 1), ...many(1, 10.999999)],
    },
    {
      title: 'what may have taken effect a window later',
      promise: 'sliding-window:3/10s',
      passes: [...many(3, 1), [5, 11] as const],
      fails: [...many(3, 1), [5, 10.999] as const],
    },
    {
      title: 'a burst across two windows of unknown alignment',
      promise: 'fixed-window:3/10s',
      passes: many(6, 1),
      fails: many(7, 1),
    },
    {
      title: 'what two windows and a bit can hold',
      promise: 'fixed-window:3/10s',
      passes: [...many(6, 1), ...many(3, 12)],
      fails: [...many(6, 1), ...many(4, 12)],
    },
    {
      title: 'a burst across a window of the epoch',
      promise: 'fixed-window:3/10s:epoch',
      passes: [...many(3, 9.9), ...many(3, 10)],
      fails: [...many(3, 9.9), ...many(1, 9.99)],
    },
    {
      title: 'what may have come in the next window of the epoch',
      promise: 'fixed-window:3/10s:epoch',
      passes: [...many(3, 9), [9, 10] as const],
      fails: [...many(3, 9), [9, 9.9] as const],
    },
    {
      title: 'a burst across a window that an operation opened',
      promise: 'fixed-window:3/10s:first',
      passes: [[1, 1] as const, ...many(2, 10.9), ...many(3, 11)],
      fails: [...many(3, 10.9), ...many(3, 11)],
    },
    {
      title: 'every window with its limit, for an hour',
      promise: 'fixed-window:3/10s',
      passes: Array.from({ length: 360 }, (_, window) => many(3, 10 * window, 10 * window + 1)).flat(),
      fails: Array.from({ length: 360 }, (_, window) => many(4, 10 * window, 10 * window + 1)).flat(),
    },
    {
      title: 'four windows that share five limits',
      promise: 'fixed-window:4/10s',
      passes: [0, 10, 20, 30].flatMap((atS) => many(5, atS)),
      fails: [0, 10, 20, 30, 40].flatMap((atS) => many(5, atS)),
    },
    ...(
      [
        ['denied', 1],
        ['failed', 1],
        ['allowed', 0],
        ['denied', 0],
        ['allowed', -1],
      ] as const
    ).map(([outcome, cost]) => ({
      title: `one that an operation ${outcome} at cost ${cost} opened`,
      promise: 'fixed-window:3/10s:first',
      passes: [[1, 1, outcome, cost] as const, ...many(3, 10.9), ...many(3, 11)],
      fails: [...many(3, 10.9), ...many(3, 11)],
    })),
  ])('$promise allows $title, and not its smallest change', ({ promise, passes, fails }) => {
    expect(broken(promise, passes).windows.buckets).toBe(0);
    expect(broken(promise, fails).windows.buckets).toBe(1);
    expect(broken(promise, fails).verdict).toBe('fail');
  });

  it('is contested by its own limit, not by the capacity of the policy', () => {
    const denials = [[1, 1, 'denied'] as const];
    expect(broken('fixed-window:3/10s', [...many(3, 1), ...denials]).contested.buckets).toBe(1);
    expect(broken('fixed-window:30/10s', [...many(20, 1), ...denials]).contested.buckets).toBe(0);
  });

  it('is judged in place of the token bucket, whose reading is also shown', () => {
    const report = broken('fixed-window:30/10s:epoch', [...many(30, 9.9), ...many(30, 10)]);
    expect(report.claims[0]).toMatchObject({
      verdict: 'pass',
      reason: 'no bucket broke its promise of fixed-window:30/10s:epoch',
    });
    expect(report.overAdmission.totalExcess).toBe(39.5);
  });

  it('comes with a proof of as many operations as it takes', () => {
    const { windows } = broken('sliding-window:3/10s', many(4, 1));
    expect(windows.findings[0]).toMatchObject({
      inequality:
        'admitted 4 tokens between 2027-01-15T08:00:01.000Z and 2027-01-15T08:00:01.000Z: a span of 0 s is shorter than a window of 10 s, of 3, so at most 3',
    });
    expect(windows.findings[0]?.witness).toHaveLength(4);
  });

  it('names the worst window beside the proof of the first', () => {
    const { windows } = broken('sliding-window:3/10s', many(9, 1, 2));
    expect(windows.findings[0]?.inequality).toBe(
      'admitted 4 tokens between 2027-01-15T08:00:01.000Z and 2027-01-15T08:00:02.000Z: a span of 1 s is shorter than a window of 10 s, of 3, so at most 3; the worst: 9 of 3 within 10 s, until 2027-01-15T08:00:02.000Z',
    );
    expect(windows.findings[0]?.witness).toHaveLength(4);
  });

  it.each([
    {
      promise: 'fixed-window:3/10s',
      parts: [...many(4, 1), ...many(3, 9)],
      says: 'admitted 7 tokens between 2027-01-15T08:00:01.000Z and 2027-01-15T08:00:09.000Z: a span of 8 s touches at most 2 windows of 10 s, of 3 each, so at most 6',
    },
    {
      promise: 'fixed-window:3/10s:first',
      parts: [...many(3, 1), ...many(1, 9)],
      says: 'admitted 4 tokens between 2027-01-15T08:00:01.000Z and 2027-01-15T08:00:09.000Z: a span of 8 s touches 1 window of 10 s, of 3, since no request can have opened a second window in it, so at most 3',
    },
    {
      promise: 'sliding-counter:4/10s',
      parts: [...many(5, 1), ...many(2, 1.5)],
      says: 'admitted 6 tokens between 2027-01-15T08:00:01.000Z and 2027-01-15T08:00:01.500Z: a counter of 4 in 10 s may admit 5 in less than 0.625 s, so at most 5; the worst: 7 of 5 within 0.625 s, until 2027-01-15T08:00:01.500Z',
    },
  ])(
    'U7: says of $promise who admitted how many when, and why that is too many',
    ({ promise, parts, says }) => {
      const { windows, claims } = broken(promise, parts);
      expect(windows.findings[0]?.inequality).toBe(says);
      expect(claims[0]?.reason).toContain(`; b ${says}; measured `);
      expect(claims[0]?.reason).toMatch(/claimed at most 0: \d+ windows? too many$/);
    },
  );
});

describe('what is given back', () => {
  const options = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
  const admissions = (count: number) =>
    Array.from({ length: count }, (): OperationPart => ({ invokedUs: (SINCE_1970_S + 5) * S }));
  const refund = (atS: number, outcome: 'allowed' | 'denied' = 'allowed'): OperationPart => ({
    invokedUs: (SINCE_1970_S + atS) * S,
    cost: -1,
    outcome,
  });
  const reset = (atS: number, bucket: string) =>
    ({ type: 'event', event: 'reset', atUs: (SINCE_1970_S + atS) * S, args: { bucket } }) as const;
  const total = (promise: string, parts: OperationPart[], records: ReturnType<typeof reset>[] = []) =>
    checkHistory(historyOf(parts, { records }), { ...options, promise: parsePromise(promise) }).windows.total;

  it.each(['sliding-window:3/10s', 'fixed-window:3/10s:epoch'])('makes room in %s', (promise) => {
    expect(total(promise, admissions(4))).toBe(1);
    expect(total(promise, [...admissions(4), refund(5)])).toBe(0);
    expect(total(promise, [...admissions(5), refund(5)])).toBe(1);
    expect(total(promise, [...admissions(4), refund(5, 'denied')])).toBe(1);
    expect(total(promise, [...admissions(4), refund(30)])).toBe(1);
    expect(total(promise, admissions(6), [reset(4, 'b')])).toBe(0);
    expect(total(promise, admissions(7), [reset(4, 'b')])).toBe(1);
    expect(total(promise, admissions(4), [reset(4, 'c')])).toBe(1);
    expect(total(promise, admissions(4), [reset(30, 'b')])).toBe(1);
  });
});

describe('a promise', () => {
  it.each([
    'token-bucket',
    'fixed-window:100/60s',
    'fixed-window:100/60s:epoch',
    'fixed-window:5/1s:first',
    'sliding-window:100/60s',
    'sliding-counter:100/60s',
  ])('%s is read and written', (text) => expect(formatPromise(parsePromise(text))).toBe(text));
  it.each([
    ['bucket', /unknown promise "bucket"; expected one of token-bucket, fixed-window:100\/60s/],
    ['fixed-windows:1/1s', /unknown promise "fixed-windows"; did you mean fixed-window\? expected one of/],
    ['token-bucket:20:5/s', /token-bucket takes no numbers, .* for example token-bucket$/],
    [
      'fixed-window',
      /expected a limit, \/ and the length of a window after fixed-window:; found ""; for example fixed-window:100\/60s$/,
    ],
    ['sliding-window:10', /found "10"; for example sliding-window:100\/60s$/],
    ['fixed-window:1/2/3s', /found "1\/2\/3s"/],
    ['fixed-window:0/60s', /the limit must be a whole number of tokens, at least 1; found "0"; for example/],
    ['fixed-window:1e3/60s', /the limit must be .* found "1e3"/],
    ['fixed-window:10/60parsecs', /the length of a window must be .* h or d; found "60parsecs"; for example/],
    ['fixed-window:10/0s', /the length of a window must be .* found "0s"/],
    ['fixed-window:10/1.5s', /the length of a window must be a whole number of us, .* found "1.5s"/],
    [
      'fixed-window:10/60s:last',
      /a fixed window may end with ":epoch" or ":first" only; found "last"; for example fixed-window:100\/60s:epoch$/,
    ],
    ['fixed-window:10/60s:first:epoch', /found "first:epoch"/],
    [
      'sliding-window:10/60s:first',
      /sliding-window takes nothing after its window; found "first"; for example/,
    ],
    ['sliding-counter:10/60s:epoch', /sliding-counter takes nothing after its window; found "epoch"/],
  ])('%s is refused, its wrong part named', (text, says) => {
    expect(() => parsePromise(text)).toThrow(says);
    expect(() => parsePromise(text)).toThrow(`promise "${text}": `);
  });
});
