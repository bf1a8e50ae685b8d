import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCost, fullBucket, refill, take } from './bucket.ts';
import { makePolicy, parsePolicy } from './policy.ts';
import { timeToFullUs, timeToNextTokenUs } from './retry-after.ts';

const policy = parsePolicy('20:5/s');
const drained = { levelQuanta: 0, updatedAtUs: 0 };

describe('take', () => {
  it.each([
    {
      title: 'denies an empty bucket',
      nowUs: 0,
      want: { allowed: false, levelQuanta: 0, retryAfterUs: 200_000, bucketUs: 0 },
    },
    {
      title: 'denies one microsecond too soon',
      nowUs: 199_999,
      want: { allowed: false, levelQuanta: 199_999, retryAfterUs: 1, bucketUs: 199_999 },
    },
    {
      title: 'admits on the microsecond it refills',
      nowUs: 200_000,
      want: { allowed: true, levelQuanta: 0, retryAfterUs: 0, bucketUs: 200_000 },
    },
    {
      title: 'keeps the fraction of a token',
      nowUs: 300_000,
      want: { allowed: true, levelQuanta: 100_000, retryAfterUs: 0, bucketUs: 300_000 },
    },
    {
      title: 'waits for a clock that stepped back',
      nowUs: -50,
      want: { allowed: false, levelQuanta: 0, retryAfterUs: 200_050, bucketUs: 0 },
    },
    {
      title: 'fills no further than the capacity',
      nowUs: 1e15,
      want: { allowed: true, levelQuanta: 3_800_000, retryAfterUs: 0, bucketUs: 1e15 },
    },
  ])('$title', ({ nowUs, want }) => {
    expect(take(drained, policy, { costTokens: 1, nowUs }).result).toEqual(want);
  });

  it('leaves the bucket as it was when it denies', () => {
    const bucket = { levelQuanta: 5, updatedAtUs: 7 };
    expect(take(bucket, policy, { costTokens: 1, nowUs: 100 }).bucket).toBe(bucket);
  });

  it('takes the whole capacity of a full bucket at once, and nothing more', () => {
    const first = take(fullBucket(policy, 0), policy, { costTokens: 20, nowUs: 0 });
    expect(first.result).toMatchObject({ allowed: true, levelQuanta: 0 });
    expect(take(first.bucket, policy, { costTokens: 1, nowUs: 0 }).result.allowed).toBe(false);
  });
});

describe('the arithmetic', () => {
  const anyPolicy = fc
    .tuple(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 1_000_000_000 }),
    )
    .map(([capacity, tokens, perUs]) => makePolicy(capacity, { tokens, perUs }));

  it('agrees with arithmetic on integers of any size', () => {
    const level = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyPolicy, level, fc.maxSafeNat(), (drawn, share, elapsedUs) => {
        const levelQuanta = Math.floor(drawn.capacityQuanta * share);
        const [capacity, rate] = [BigInt(drawn.capacityQuanta), BigInt(drawn.quantaPerUs)];
        const grown = BigInt(levelQuanta) + BigInt(elapsedUs) * rate;
        const { levelQuanta: refilled } = refill({ levelQuanta, updatedAtUs: 0 }, drawn, elapsedUs);
        expect(BigInt(refilled)).toBe(grown < capacity ? grown : capacity);
        const missing = capacity - BigInt(levelQuanta);
        expect(BigInt(timeToFullUs(levelQuanta, drawn))).toBe((missing + rate - 1n) / rate);
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });

  it.each([
    { title: 'a whole token away', levelQuanta: 0, nextUs: 200_000, fullUs: 4_000_000 },
    { title: 'one quantum away', levelQuanta: 199_999, nextUs: 1, fullUs: 3_800_001 },
    { title: 'just arrived', levelQuanta: 200_000, nextUs: 200_000, fullUs: 3_800_000 },
    { title: 'never, for a full bucket', levelQuanta: 4_000_000, nextUs: 0, fullUs: 0 },
  ])('knows when the next token comes: $title', ({ levelQuanta, nextUs, fullUs }) => {
    expect(timeToNextTokenUs(levelQuanta, policy)).toBe(nextUs);
    expect(timeToFullUs(levelQuanta, policy)).toBe(fullUs);
  });
});

describe('a cost', () => {
  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, '1' as unknown as number])(
    'of %s is refused',
    (cost) => {
      expect(() => checkCost(cost, policy)).toThrow(/whole number of tokens, at least 1/);
    },
  );
  it('above the capacity is refused, since no wait would help', () => {
    expect(() => checkCost(21, policy)).toThrow(/capacity of 20 tokens; found 21/);
    expect(() => checkCost(20, policy)).not.toThrow();
  });
});
