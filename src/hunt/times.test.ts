import { expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { Dice } from './dice.ts';
import { groundOf } from './ground.ts';
import { drawMultiple, timesOf } from './times.ts';

it.each([
  {
    title: 'a bucket is full, and a silent node is suspected',
    ground: groundOf('central'),
    times: [4_000, 2_000],
  },
  {
    title: 'a lease ends, and home takes it back',
    ground: { ...groundOf('lease'), policy: '20:2/s' },
    times: [10_000, 4_000, 4_500, 2_000],
  },
  {
    title: 'each bucket of several policies is full',
    ground: { ...groundOf('central'), policy: 'burst=10:10/s, hourly=30:3/s' },
    times: [1_000, 10_000, 2_000],
  },
  {
    title: 'of a plug-in, its bucket is full',
    ground: { ...groundOf('lease'), limiter: './mine.mjs' },
    times: [4_000, 2_000],
  },
])('times until $title', ({ ground, times }) => expect(timesOf(ground)).toEqual(times));

it('a multiple of a time is one that fits', () => {
  const dice = new Dice(makeRandom(1, 'test'));
  const draw = (leastMs: number, mostMs: number) => drawMultiple(dice, [4_000], { leastMs, mostMs });
  const drawn = new Set(Array.from({ length: 200 }, () => draw(1, 4_400)));
  expect([...drawn].sort()).toEqual([3_800, 4_200, 4_400]);
  expect(draw(1, 3_799)).toBeUndefined();
});
