import { expect, it } from 'vitest';
import { makePower } from './power.ts';
import { makeRandom } from './prng.ts';

it.each([
  { exponent: 0, base: 7, want: 1 },
  { exponent: 1, base: 7, want: 7 },
  { exponent: 3, base: 7, want: 343 },
  { exponent: 0.5, base: 9, want: 3 },
  { exponent: 0.25, base: 81, want: 3 },
  { exponent: 0.75, base: 16, want: 8 },
  { exponent: 2.5, base: 4, want: 32 },
  { exponent: 0.1, base: 1, want: 1 },
])('$base to the power of $exponent is $want', ({ exponent, base, want }) => {
  expect(makePower(exponent)(base)).toBe(want);
});

it('is within four units in the last place of what the engine gives', () => {
  const random = makeRandom(1, 'power');
  let most = 0;
  for (let nth = 0; nth < 20_000; nth++) {
    const exponent = random() * 5;
    const base = 1 + Math.floor(random() * 1_000_000);
    const wanted = base ** exponent;
    most = Math.max(most, Math.abs(makePower(exponent)(base) - wanted) / wanted);
  }
  expect(most).toBeLessThan(4 * Number.EPSILON);
  expect(most).toBeGreaterThan(0); // it is no alias of `**`
});
