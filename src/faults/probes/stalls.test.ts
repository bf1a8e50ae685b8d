import { describe, expect, it } from 'vitest';
import { isAtLeast, pastStalls, rangeOf } from './stalls.ts';

const fastest = (times: readonly number[]) => Math.min(...times);

describe('what a stall may have made slower', () => {
  const took = [
    { ms: 500, stalledMs: 450 },
    { ms: 480, stalledMs: 0 },
  ];

  it('took between what is left without the stall and all of it', () =>
    expect(rangeOf(took, fastest)).toEqual({ leastMs: 50, mostMs: 480 }));

  it.each([
    { leastMs: 50, is: true },
    { leastMs: 51, is: undefined },
    { leastMs: 480, is: undefined },
    { leastMs: 481, is: false },
  ])('is at least $leastMs: $is', ({ leastMs, is }) =>
    expect(isAtLeast(rangeOf(took, fastest), leastMs)).toBe(is),
  );
});

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
      saw: 'look 3, but this program stood still meanwhile',
    }));
});
