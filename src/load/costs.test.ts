import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { chargesOf, formatCost, makeCostDraw } from './costs.ts';

const drawMany = (shape: Omit<Parameters<typeof makeCostDraw>[0], 'seed'>, count = 200) => {
  const random = makeRandom(7, 'connection 3');
  const draw = makeCostDraw({ seed: 7, ...shape }, 'connection 3');
  return Array.from({ length: count }, () => [draw(random), random()] as const);
};

describe('the cost of a request', () => {
  it('is drawn from the list with the random numbers of its connection, as ever', () => {
    const random = makeRandom(7, 'connection 3');
    const ever = Array.from({ length: 200 }, () => [[1, 15, 3][Math.floor(random() * 3)], random()]);
    expect(drawMany({ costs: [1, 15, 3] })).toEqual(ever);
    expect(drawMany({ costs: [1, 15, 3], policies: ['burst', 'hourly'] })).toEqual(ever);
  });

  it('is drawn for each policy from a stream of its own, which leaves the other draws unchanged', () => {
    const policies = ['requests', 'tokens', 'bytes'];
    const one = drawMany({ costs: [1], policies, costsByPolicy: { tokens: [10, 50] } });
    const two = drawMany({ costs: [1], policies, costsByPolicy: { tokens: [10, 50], bytes: [7, 8] } });
    const tokens = (drawn: typeof one) => drawn.map(([cost]) => (cost as Record<string, number>).tokens);
    expect(tokens(two)).toEqual(tokens(one));
    expect(new Set(tokens(one))).toEqual(new Set([10, 50]));
    expect(one[0]?.[0]).toEqual({ requests: 1, tokens: tokens(one)[0], bytes: 1 });
    const others = (drawn: typeof one) => drawn.map(([, next]) => next);
    expect(others(one)).toEqual(others(drawMany({ costs: [1] })));
  });
});

it.each([
  [1, ''],
  [3, '3'],
  [{ requests: 1, tokens: 50 }, 'tokens=50'],
  [{ requests: 2, tokens: 50 }, 'requests=2, tokens=50'],
  [{ requests: 1, tokens: 1 }, ''],
])('is sent, %j, as %j', (cost, header) => expect(formatCost(cost)).toBe(header));

it('is a charge in the bucket of each policy, or none of a list where there is one policy', () => {
  expect(chargesOf('b', 3, undefined)).toBeUndefined();
  expect(chargesOf('b', 3, ['x', 'y'])).toEqual([
    { bucket: 'b', cost: 3, policy: 'x' },
    { bucket: 'b', cost: 3, policy: 'y' },
  ]);
  expect(chargesOf('b', { x: 2, y: 5 }, ['x', 'y'])?.map(({ cost }) => cost)).toEqual([2, 5]);
});
