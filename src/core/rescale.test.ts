import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_QUANTA, makePolicy, type Policy, parsePolicy } from './policy.ts';
import { rescaleLevel } from './rescale.ts';

const hourly = parsePolicy('1000:1/h'); // 3,600,000,000 quanta a token
const fast = parsePolicy('5:5/s'); // 200,000

describe('a level under another policy', () => {
  it.each([
    { title: 'keeps whole tokens', levelQuanta: 3 * 3_600_000_000, from: hourly, to: fast, want: 600_000 },
    {
      title: 'is at most the capacity',
      levelQuanta: 61 * 3_600_000_000,
      from: hourly,
      to: fast,
      want: 1_000_000,
    },
    { title: 'loses less than a quantum', levelQuanta: 17_999, from: hourly, to: fast, want: 0 },
    { title: 'has a quantum where it is whole', levelQuanta: 18_000, from: hourly, to: fast, want: 1 },
    { title: 'is exact in a finer unit', levelQuanta: 1, from: fast, to: hourly, want: 18_000 },
    { title: 'stays what it is in its own unit', levelQuanta: 7, from: fast, to: fast, want: 7 },
    {
      title: 'is exact where the product passes 2^53',
      levelQuanta: 999_982,
      from: makePolicy(1, { tokens: 1, perUs: 999_983 }),
      to: makePolicy(1, { tokens: 1, perUs: 86_400_000_001 }),
      want: 86_399_913_599, // 86,400,000,001 - 86,400,000,001 / 999,983, rounded down
    },
  ])('$title', ({ levelQuanta, from, to, want }) =>
    expect(rescaleLevel(levelQuanta, from.quantaPerToken, to)).toBe(want),
  );

  const unit = fc.oneof(fc.integer({ min: 1, max: 2 ** 26 }), fc.integer({ min: 1, max: MOST_QUANTA - 1 }));
  const policy = fc.tuple(unit, fc.nat()).map(([perUs, n]): Policy => {
    const most = Math.max(1, Math.floor((MOST_QUANTA - 1) / perUs));
    return makePolicy(1 + (n % most), { tokens: 1, perUs });
  });
  const level = fc.tuple(policy, fc.double({ min: 0, max: 1, noNaN: true })).map(([from, part]) => ({
    from,
    levelQuanta: Math.floor(part * from.capacityQuanta),
  }));

  it('is rounded down by less than a quantum, and is in bounds', () => {
    fc.assert(
      fc.property(level, policy, ({ from, levelQuanta }, to) => {
        const found = rescaleLevel(levelQuanta, from.quantaPerToken, to);
        const lostTimesBoth =
          BigInt(levelQuanta) * BigInt(to.quantaPerToken) - BigInt(found) * BigInt(from.quantaPerToken);
        expect(found).toBeLessThanOrEqual(to.capacityQuanta);
        expect(lostTimesBoth >= 0n).toBe(true);
        if (found < to.capacityQuanta) expect(lostTimesBoth < BigInt(from.quantaPerToken)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('never gains on the way there and back', () => {
    fc.assert(
      fc.property(level, policy, ({ from, levelQuanta }, to) => {
        const there = rescaleLevel(levelQuanta, from.quantaPerToken, to);
        expect(rescaleLevel(there, to.quantaPerToken, from)).toBeLessThanOrEqual(levelQuanta);
      }),
      { numRuns: 2_000 },
    );
  });
});
