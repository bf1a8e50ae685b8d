import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Shortfall } from './shortfall.ts';

interface Asked {
  readonly atUs: number;
  readonly tokens: number;
}

/** Of all times that end with the last request, by the definition. */
function most(asked: readonly Asked[], { perUs, spanUs }: { perUs: number; spanUs: number }): number {
  const endUs = asked.at(-1)?.atUs ?? 0;
  return asked.reduce((sofar, { atUs: fromUs }, nth) => {
    const sum = asked.slice(nth).reduce((tokens, each) => tokens + each.tokens, 0);
    return Math.max(sofar, sum - perUs * Math.max(0, endUs - fromUs - spanUs));
  }, 0);
}

describe('the shortfall of a bucket', () => {
  it.each([
    {
      title: 'is what is asked for at once',
      asked: [
        [0, 2],
        [0, 3],
      ],
      want: 5,
    },
    {
      title: 'is less what came back',
      asked: [
        [0, 2],
        [4, 3],
      ],
      want: 4,
    },
    {
      title: 'forgets what has come back',
      asked: [
        [0, 2],
        [40, 3],
      ],
      want: 3,
    },
    {
      title: 'gets nothing back within the span',
      asked: [
        [0, 2],
        [4, 3],
      ],
      spanUs: 4,
      want: 5,
    },
    {
      title: 'counts only the span where all comes back',
      asked: [
        [0, 2],
        [4, 3],
        [9, 1],
      ],
      spanUs: 5,
      perUs: Number.MAX_VALUE,
      want: 4,
    },
  ])('$title', ({ asked, want, spanUs = 0, perUs = 0.25 }) => {
    const shortfall = new Shortfall({ perUs, spanUs });
    expect(asked.map(([atUs = 0, tokens = 0]) => shortfall.ask(atUs, tokens)).at(-1)).toBe(want);
  });

  it('is the most of all times, as it is defined', () => {
    const anyAsked = fc.record({
      afterUs: fc.integer({ min: 0, max: 12 }),
      tokens: fc.integer({ min: 1, max: 4 }),
    });
    const anyRefill = fc.record({
      perUs: fc.constantFrom(0.25, 0.5, 2),
      spanUs: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(anyAsked, { minLength: 1, maxLength: 30 }), anyRefill, (drawn, refill) => {
        const shortfall = new Shortfall(refill);
        const asked: Asked[] = [];
        for (const { afterUs, tokens } of drawn) {
          const atUs = (asked.at(-1)?.atUs ?? 0) + afterUs;
          asked.push({ atUs, tokens });
          expect(shortfall.ask(atUs, tokens)).toBe(most(asked, refill));
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
