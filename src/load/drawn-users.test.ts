import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { planUsers } from './drawn-users.ts';
import { busiestUsers, makeUserDraw } from './users.ts';

const REGIONS = ['r0', 'r1', 'r2'];
const resting = { share: 0.2, restMs: 4_000, burstMs: 500 };
const SHAPES = [
  { skew: 0, roaming: 0.3, rampMs: 0 },
  { skew: 0.7, roaming: 0.05, rampMs: 2_000, homes: true as const },
  { skew: 1, roaming: 1, rampMs: 500, resting },
  { skew: 0.3, roaming: 0, rampMs: 0, resting },
].map((shape, seed) => ({ ...shape, seed, regions: REGIONS, users: 2_000 }));

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Without garbage, which the tests before leave. */
function memoryInUse(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it.each(SHAPES)('drawn users are those of their list, skew $skew, roaming $roaming', (shape) => {
  const users = planUsers(shape);
  const list = [...users];
  expect(list.map((_, place) => users.at(place))).toEqual(list);
  expect([users.length, users.at(list.length), users.at(-1)]).toEqual([list.length, undefined, undefined]);
  for (const count of [1, 20, 3_000])
    expect(busiestUsers(users, REGIONS, count)).toEqual(busiestUsers(list, REGIONS, count));
  for (const region of REGIONS) {
    const [random, other] = [makeRandom(3, region), makeRandom(3, region)];
    const [draw, ofList] = [makeUserDraw(users, region), makeUserDraw(list, region)];
    for (let atMs = 0; atMs < 3_000; atMs += 10) expect(draw(random, atMs)).toEqual(ofList(other, atMs));
  }
});

it('no user sends from a region that the load does not have', () => {
  const users = planUsers({ seed: 1, regions: REGIONS, users: 9, skew: 0, roaming: 0, rampMs: 0 });
  expect(() => makeUserDraw(users, 'r3')).toThrow('no user sends from r3');
});

it('the users who rest are those of the lowest draws, the lowest of all the shortest', () => {
  const shape = { seed: 4, regions: ['r0'], users: 50, skew: 0, roaming: 0, rampMs: 0, resting };
  const random = makeRandom(shape.seed, 'resting');
  const draws = Array.from({ length: 49 }, (_, nth) => ({ name: `u${nth + 2}`, drawn: random() })); // u1 is the first of its region
  const lowest = draws.toSorted((a, b) => a.drawn - b.drawn).slice(0, 10);
  const want = lowest.map(({ name }, nth) => {
    const restMs = Math.round(4_000 * (0.25 + (0.75 * (nth + 0.5)) / 10));
    return { name, rests: { restMs, burstMs: 500, offsetMs: Math.floor(random() * (restMs + 500)) } };
  });
  const found = [...planUsers(shape)].flatMap(({ name, rests }) => (rests ? [{ name, rests }] : []));
  expect(found.toSorted((a, b) => a.rests.restMs - b.rests.restMs)).toEqual(want);
});

it.each([
  { title: 'none of whom rests' },
  { title: 'half of whom rest', resting: { ...resting, share: 0.5 } },
])('very many users $title take columns of numbers, not objects', { timeout: 120_000 }, ({ resting }) => {
  const before = memoryInUse();
  const shape = { seed: 1, regions: REGIONS, users: 1_000_000, skew: 0, roaming: 0.01, rampMs: 0 };
  const users = planUsers({ ...shape, ...(resting && { resting }) });
  const draw = makeUserDraw(users, 'r1');
  expect(draw(makeRandom(1, 'any'), 0).regions).toContain('r1');
  expect((memoryInUse() - before) / users.length).toBeLessThan(100); // as objects 150 and more, and the lists of their regions
});
