import { describe, expect, it } from 'vitest';
import { headerOf, historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';

const RULES: CheckOptions = { busiest: [] };
/** A bucket of 20 tokens that gains one in 200 ms. */
const at = (ms: number, part: OperationPart): OperationPart => ({ invokedUs: 1_000 * ms, ...part });
const spend = (cost: number, ms = 0): OperationPart => at(ms, { cost });
const denied = (ms: number, stated: OperationPart['stated'], cost = 1): OperationPart =>
  at(ms, { outcome: 'denied', cost, ...(stated && { stated }) });

function reasonsOf(parts: readonly OperationPart[], options: Partial<CheckOptions> = {}, policy = '20:5/s') {
  return checkHistory(historyOf(parts, { policy }), { ...RULES, ...options }).dishonest.reasons;
}

describe('what a bucket states', () => {
  it.each([
    { title: 'what is left', parts: [at(0, { stated: { remaining: 19 } })], reasons: {} },
    {
      title: 'a token more than before the charge',
      parts: [at(0, { stated: { remaining: 20 } })],
      reasons: { 'remaining too high': 1 },
    },
    { title: 'a level rounded up', parts: [spend(10), at(100, { stated: { remaining: 10 } })], reasons: {} },
    {
      title: 'a level rounded up by more than a token',
      parts: [spend(10), at(100, { stated: { remaining: 11 } })],
      reasons: { 'remaining too high': 1 },
    },
    {
      title: 'a full bucket, read after the charge and the refill',
      parts: [at(0, { completedUs: 200_000, stated: { remaining: 20 } })],
      reasons: {},
    },
    { title: 'the tokens of a denial', parts: [spend(20), denied(10, { remaining: 0 })], reasons: {} },
    {
      title: 'more tokens than the cost that is denied',
      parts: [denied(0, { remaining: 2 })],
      reasons: { 'remaining too high': 1 },
    },
    { title: 'a level rounded down', parts: [spend(9), at(100, { stated: { remaining: 10 } })], reasons: {} },
    {
      title: 'fewer tokens than were left',
      parts: [spend(9), at(100, { stated: { remaining: 9 } })],
      reasons: { 'remaining too low': 1 },
    },
    {
      title: 'fewer tokens, with a request that may have taken them',
      parts: [spend(9), at(0, { outcome: 'info' }), at(100, { stated: { remaining: 9 } })],
      reasons: {},
    },
    {
      title: 'the wait for its cost',
      parts: [spend(20), denied(10, { retryAfterS: 1 }, 5)],
      reasons: {},
    },
    {
      title: 'a second less than the wait',
      parts: [spend(20), denied(10, { retryAfterS: 1 }, 6)],
      reasons: { 'retry too short': 1 },
    },
    { title: 'a wait rounded up', parts: [spend(20), denied(10, { retryAfterS: 2 }, 6)], reasons: {} },
    {
      title: 'a second more than the wait rounded up',
      parts: [spend(20), denied(10, { retryAfterS: 3 }, 6)],
      reasons: { 'retry too long': 1 },
    },
    {
      title: 'the wait for a full bucket',
      parts: [spend(20), denied(10, { retryAfterS: 4 })],
      reasons: { 'retry too long': 1 },
    },
    {
      title: 'a wait in milliseconds',
      parts: [spend(20), denied(10, { retryAfterS: 190 })],
      reasons: { 'wrong unit': 1 },
    },
    {
      title: 'any wait for more than the capacity',
      parts: [denied(0, { retryAfterS: 500 }, 21)],
      reasons: {},
    },
    {
      title: 'a reset of the time to full',
      parts: [spend(20), denied(10, { reset: 4, resetForm: 'delta' })],
      reasons: {},
    },
    {
      title: 'a reset after more than the time to full',
      parts: [spend(20), denied(10, { reset: 6, resetForm: 'delta' })],
      reasons: { 'retry too long': 1 },
    },
    {
      title: 'a reset as a date, of no agreed form',
      parts: [at(0, { stated: { reset: 1_795_559_409, resetForm: 'any' } })],
      reasons: {},
    },
    {
      title: 'a reset as a date, agreed to be seconds from now',
      parts: [at(0, { stated: { reset: 1_795_559_409, resetForm: 'delta' } })],
      reasons: { 'wrong unit': 1 },
    },
    {
      title: 'a reset in milliseconds since 1970',
      parts: [at(0, { stated: { reset: 1_795_559_409_000, resetForm: 'any' } })],
      reasons: { 'wrong unit': 1 },
    },
    {
      title: 'its capacity and the time to fill it, or its refill',
      parts: [{ limit: 20 }, { limit: 20, windowS: 4 }, { limit: 5, windowS: 1 }, { limit: 300 }].map(
        (stated) => at(0, { stated }),
      ),
      reasons: {},
    },
    {
      title: 'another policy',
      parts: [{ limit: 21 }, { limit: 20, windowS: 60 }, { limit: 10, windowS: 1 }].map((stated) =>
        at(0, { stated }),
      ),
      reasons: { 'wrong policy': 3 },
    },
    {
      title: 'more tokens than an earlier decision stated, and refill',
      parts: [
        at(0, { cost: 15, completedUs: 9_000_000 }),
        at(100, { stated: { remaining: 4 } }),
        at(300, { stated: { remaining: 8 } }),
      ],
      reasons: { 'grows without refill': 1 },
    },
    {
      title: 'more tokens than before, which a charge without a reply may have returned',
      parts: [
        at(0, { outcome: 'info', cost: 15 }),
        at(100, { stated: { remaining: 4 } }),
        at(300, { stated: { remaining: 18 } }),
      ],
      reasons: {},
    },
    {
      title: 'a second after a denial that is false',
      parts: [denied(0, { retryAfterS: 1 })],
      reasons: {},
    },
    {
      title: 'as many more tokens as were refilled, with both rounded',
      parts: [
        at(0, { cost: 15, completedUs: 9_000_000 }),
        at(100, { stated: { remaining: 4 } }),
        at(300, { stated: { remaining: 5 } }),
      ],
      reasons: {},
    },
    {
      title: 'a level without a charge by a failure policy',
      parts: [
        at(0, {
          cost: 20,
          stated: { remaining: 30 },
          decision: { strategy: 'central', node: 'n', source: 'fallback' },
        }),
        at(0, { stated: { remaining: 19 } }),
      ],
      reasons: {},
    },
  ])('$title: $reasons', ({ parts, reasons }) => {
    expect(reasonsOf(parts)).toEqual(reasons);
  });

  it.each([
    { title: 'when the cost is there', retryAtS: 1_795_000_002, reasons: {} },
    { title: 'before', retryAtS: 1_795_000_000, reasons: { 'retry too short': 1 } },
    { title: 'long after', retryAtS: 1_795_000_005, reasons: { 'retry too long': 1 } },
  ])('may be a date $title, judged if the time of day is known: $reasons', ({ retryAtS, reasons }) => {
    const us = 1_795_000_000_000_000;
    const parts: OperationPart[] = [
      { invokedUs: us, cost: 20 },
      { invokedUs: us + 10_000, outcome: 'denied', cost: 8, stated: { retryAtS } },
    ];
    expect(reasonsOf(parts)).toEqual(reasons);
    const moved = parts.map((part) => ({ ...part, invokedUs: (part.invokedUs ?? 0) - us }));
    expect(reasonsOf(moved)).toEqual({});
  });

  it('may be too low if the strategy declares it, and too high by its bound', () => {
    const low = [spend(9), at(100, { stated: { remaining: 3 } })];
    expect(reasonsOf(low, { declaresStated: { tooLow: true } })).toEqual({});
    const high = [5, 6].map((more) => [
      at(0, { cost: 10, decision: { strategy: 'central', node: 'n', source: 'redis' as const } }),
      at(1, { stated: { remaining: 9 + more } }),
    ]);
    const options: Partial<CheckOptions> = {
      declaresStated: { tooHigh: 'bound' },
      boundOf: () => ({ totalExcess: 4, worstWindow: 4, formula: '4' }),
    };
    expect(high.map((parts) => reasonsOf(parts, options))).toEqual([{}, { 'remaining too high': 1 }]);
  });

  it('is not judged too high after a refund, and not at all of several buckets', () => {
    const parts = [spend(10), at(0, { cost: -10 }), at(1, { stated: { remaining: 19 } })];
    expect(reasonsOf(parts)).toEqual({});
    const charges = [{ bucket: 'b', cost: 10 }];
    expect(reasonsOf([at(0, { charges, stated: { remaining: 19 } })])).toEqual({});
  });

  it('is doubtful if requests that are missing from the history explain it', () => {
    const history = (sent: number) =>
      historyOf([spend(9), at(100, { stated: { remaining: 9 } })], { sent, header: headerOf() });
    expect(checkHistory(history(2), RULES).dishonest.total).toBe(1);
    const { dishonest, doubts } = checkHistory(history(3), RULES);
    expect(dishonest.total).toBe(0);
    expect(doubts?.dishonest).toBeUndefined(); // most of a history without some requests is not judged
  });
});

describe('what windows state', () => {
  const promise = parsePromise('fixed-window:5/1s:epoch');
  it.each([
    { title: 'what is left', stated: { remaining: 4 }, reasons: {} },
    { title: 'more than is left', stated: { remaining: 6 }, reasons: { 'remaining too high': 1 } },
    { title: 'less than is left', stated: { remaining: 2 }, reasons: { 'remaining too low': 1 } },
    { title: 'its limit and length', stated: { limit: 5, windowS: 1 }, reasons: {} },
    { title: 'another limit', stated: { limit: 10, windowS: 1 }, reasons: { 'wrong policy': 1 } },
    {
      title: 'a reset in milliseconds',
      stated: { reset: 900, resetForm: 'delta' as const },
      reasons: { 'wrong unit': 1 },
    },
  ])('$title: $reasons', ({ stated, reasons }) => {
    const parts = [{ invokedUs: 1_795_000_000_100_000, stated }];
    expect(reasonsOf(parts, { promise })).toEqual(reasons);
  });

  it.each([
    { title: 'the end of the window', retryAfterS: 1, reasons: {} },
    { title: 'a moment in the same window', retryAfterS: 0.5, reasons: { 'retry too short': 1 } },
    { title: 'a window later', retryAfterS: 3, reasons: { 'retry too long': 1 } },
  ])('a wait until $title: $reasons', ({ retryAfterS, reasons }) => {
    const us = 1_795_000_000_100_000;
    const parts: OperationPart[] = [
      { invokedUs: us, cost: 5 },
      { invokedUs: us + 1, outcome: 'denied', stated: { retryAfterS } },
    ];
    expect(reasonsOf(parts, { promise })).toEqual(reasons);
  });

  it.each(['fixed-window:5/1s', 'fixed-window:5/1s:first', 'sliding-counter:5/1s'])(
    '%s: not judged where it is not known what a window holds',
    (text) => {
      const parts = [at(0, { cost: 4 }), at(1, { stated: { remaining: 4 } }), denied(2, { retryAfterS: 0 })];
      expect(reasonsOf(parts, { promise: parsePromise(text) })).toEqual({});
    },
  );
});

it('breaks a claim, and is a note without one', () => {
  const history = historyOf([spend(19), at(1, { stated: { remaining: 5 } }), denied(2, {})]);
  const rules = { ...RULES, contestedBucketsAtLeast: 1 };
  const claimed = checkHistory(history, { ...rules, dishonestAtMost: 0 });
  expect(claimed.verdict).toBe('fail');
  expect(claimed.claims.find(({ claim }) => claim === 'dishonest <= 0')).toMatchObject({
    status: 'broken',
    measured: 1,
  });
  const unclaimed = checkHistory(history, rules);
  expect(unclaimed.verdict).toBe('pass');
  expect(unclaimed.notes?.[0]).toContain('remaining too high 1');
  expect(unclaimed.dishonest.findings[0]?.inequality).toBe(
    'remaining too high: remaining 5 was stated with an admission at cost 1, but at most 0.005 tokens can have been left: ' +
      'capacity 20 + 5/s * 0.001 s - 19 admitted wholly within that time - its own 1',
  );
});
