import { describe, expect, it } from 'vitest';
import { makeRandom } from './prng.ts';

const draw = (seed: number, stream: string) => Array.from({ length: 10_000 }, makeRandom(seed, stream));

describe('random numbers', () => {
  it('are the same for the same seed and stream', () => expect(draw(1, 'a')).toEqual(draw(1, 'a')));
  it.each([
    ['seed', draw(2, 'a')],
    ['stream', draw(1, 'b')],
  ])('differ for another %s', (_, other) => {
    const equal = draw(1, 'a').filter((value, index) => value === other[index]);
    expect(equal.length).toBeLessThan(3);
  });
  it('are spread evenly over [0, 1)', () => {
    const values = draw(7, 'even');
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth++) {
      const inside = values.filter((value) => Math.floor(value * 10) === tenth).length;
      expect(Math.abs(inside - 1_000)).toBeLessThan(150); // 5 standard deviations
    }
  });
});
