import { describe, expect, it } from 'vitest';
import { isAtLeast, isEither, pastStalls, rangeOf, rangeText, typicalOf } from './stalls.ts';

const INFINITE = Number.POSITIVE_INFINITY;

describe('what a stall may have made slower', () => {
  const took = [
    { isSent: true, isAnswered: true, ms: 500, stalledMs: 450 },
    { isSent: true, isAnswered: true, ms: 480, stalledMs: 0 },
  ].map(rangeOf);
  const fastest = typicalOf(took, (times) => Math.min(...times));

  it('took between what is left without the stall and all of it', () =>
    expect(fastest).toEqual({ leastMs: 50, mostMs: 480 }));

  it.each([
    { leastMs: 50, is: true },
    { leastMs: 51, is: undefined },
    { leastMs: 480, is: undefined },
    { leastMs: 481, is: false },
  ])('is at least $leastMs: $is', ({ leastMs, is }) => expect(isAtLeast(fastest, leastMs)).toBe(is));
});

it('without an answer, it took more than it was awaited while this program ran', () => {
  const range = rangeOf({ isSent: true, isAnswered: false, ms: 900, stalledMs: 200 });
  expect(range).toEqual({ leastMs: 700, mostMs: INFINITE });
  expect(rangeText(range)).toBe('more than 700 ms');
});

it('without a connection, one of its three round trips took a third of that', () =>
  expect(rangeOf({ isSent: false, isAnswered: false, ms: 900, stalledMs: 0 }).leastMs).toBe(300));

it.each([
  { one: true, other: undefined, is: true },
  { one: undefined, other: false, is: undefined },
  { one: false, other: undefined, is: undefined },
  { one: false, other: false, is: false },
])('either $one or $other: $is', ({ one, other, is }) => expect(isEither(one, other)).toBe(is));

describe('a look that a stall may have spoilt', () => {
  const looksOf = (...bits: (boolean | undefined)[]) => {
    let at = 0;
    return pastStalls(async () => ({ bit: bits[at++], saw: `look ${at}` }));
  };

  it.each([true, false])('is made again until it is certain: %s', async (bit) =>
    expect(await looksOf(undefined, undefined, bit)).toEqual({ bit, saw: 'look 3' }),
  );

  it('proves nothing if it never is', async () =>
    expect(await looksOf(undefined, undefined, undefined, true)).toEqual({
      bit: false,
      saw: 'look 3, which may be a stall of this program or a lost connection',
    }));
});
