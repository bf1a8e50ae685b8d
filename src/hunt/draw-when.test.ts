import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { Dice } from './dice.ts';
import { type Around, drawWhen } from './draw-when.ts';

const even = { users: 1, ratePerSecond: 2, durationMs: 10_000, roaming: 1, skew: 0, costs: [1] };
const peaks = { ratePerSecond: 200, everyMs: 9_000, forMs: 100 };
const times = [4_000];

const drawn = (around: Omit<Around, 'times'>) => {
  const dice = new Dice(makeRandom(1, 'test'));
  return Array.from({ length: 1_000 }, () => drawWhen(dice, { ...around, times }));
};
const shareOf = (around: Omit<Around, 'times'>, is: (when: ReturnType<typeof drawWhen>) => boolean) =>
  drawn(around).filter(is).length / 1_000;

describe('the times of a fault', () => {
  it('are within the load', () => {
    for (const { atMs, forMs } of drawn({ load: { ...even, peaks }, faults: [] })) {
      expect(atMs).toBeGreaterThanOrEqual(0);
      expect(forMs).toBeGreaterThanOrEqual(50);
      expect(atMs + forMs).toBeLessThanOrEqual(10_000);
      expect(Number.isInteger(atMs) && Number.isInteger(forMs)).toBe(true);
    }
  });

  it('often end close to a peak', () => {
    const endsThere = ({ atMs, forMs }: ReturnType<typeof drawWhen>) =>
      atMs + forMs >= 8_900 && atMs + forMs < 9_000;
    expect(shareOf({ load: even, faults: [] }, endsThere)).toBeLessThan(0.03);
    expect(shareOf({ load: { ...even, peaks }, faults: [] }, endsThere)).toBeGreaterThan(0.1);
  });

  it('often begin close to another fault', () => {
    const beginsThere = ({ atMs }: ReturnType<typeof drawWhen>) => Math.abs(atMs - 5_000) <= 20;
    const other = { fault: 'kill', node: 'us-east-0', atMs: 5_000, forMs: 20 } as const;
    expect(shareOf({ load: even, faults: [] }, beginsThere)).toBeLessThan(0.02);
    expect(shareOf({ load: even, faults: [other] }, beginsThere)).toBeGreaterThan(0.1);
  });

  it('are often as long as what the limiter lives by, a little more or less', () => {
    const isAsLong = ({ forMs }: ReturnType<typeof drawWhen>) => [3_800, 4_200, 4_400].includes(forMs);
    expect(shareOf({ load: even, faults: [] }, isAsLong)).toBeGreaterThan(0.05);
  });
});
