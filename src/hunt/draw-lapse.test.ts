import { expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { Dice } from './dice.ts';
import { drawLapse } from './draw-lapse.ts';
import { groundOf } from './ground.ts';
import { spaceOf } from './space.ts';

const even = { users: 1, ratePerSecond: 2, durationMs: 9_000, roaming: 1, skew: 0, costs: [1] };
const load = { ...even, peaks: { ratePerSecond: 200, everyMs: 9_000, forMs: 500 } };
const ground = groundOf('lease');
const dice = () => new Dice(makeRandom(1, 'test'));

it('a region is parted until a peak, for a time by which the limiter lives', () => {
  const draws = dice();
  const lengths = new Set<number>();
  const kinds = new Set<string>();
  for (let times = 0; times < 200; times++) {
    const [fault] = drawLapse(draws, spaceOf(ground), load) ?? [];
    if (fault === undefined) throw new Error('expected a fault');
    const endMs = fault.atMs + fault.forMs;
    expect(fault.atMs).toBeGreaterThanOrEqual(0);
    expect(endMs).toBeGreaterThanOrEqual(8_500);
    expect(endMs).toBeLessThanOrEqual(9_000);
    expect('isolate' in fault ? fault.isolate : 'regions' in fault && fault.regions).toHaveLength(1);
    lengths.add(fault.forMs);
    kinds.add(fault.fault);
  }
  expect(lengths).toContain(4_725); // a term with its margin, and a little more
  expect(kinds).toEqual(new Set(['store-outage', 'partition', 'drop-reply']));
});

it.each([
  { title: 'of a load without peaks', space: spaceOf(ground), of: even },
  {
    title: 'without faults that part a region',
    space: spaceOf(ground, { faults: ['kill', 'latency'] }),
    of: load,
  },
])('there is none $title', ({ space, of }) => expect(drawLapse(dice(), space, of)).toBeUndefined());
