import { expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { Dice } from './dice.ts';
import { drawPair } from './draw-pair.ts';
import { groundOf } from './ground.ts';
import { spaceOf } from './space.ts';

const load = { users: 1, ratePerSecond: 20, durationMs: 9_000, roaming: 1, skew: 0, costs: [1] };
const ground = groundOf('lease');

it('a primary is lost while its link to its replica is', () => {
  const dice = new Dice(makeRandom(1, 'test'));
  const space = spaceOf(ground);
  for (let times = 0; times < 100; times++) {
    const [cut, loss] = drawPair(dice, space, load) ?? [];
    if (cut?.fault !== 'partition' || !('bridge' in cut) || loss === undefined || !('node' in loss))
      throw new Error('expected a cut and a loss of a node');
    const named = space.places.nodes.find(({ name }) => name === loss.node);
    const primary = space.places.nodes.find(({ name }) => name === (named?.replicaOf ?? named?.name));
    const replica = space.places.nodes.find(({ replicaOf }) => replicaOf === primary?.name);
    expect(cut.bridge).toEqual([primary?.region, replica?.region]);
    expect(loss.atMs).toBeGreaterThanOrEqual(cut.atMs);
    expect(loss.atMs).toBeLessThan(cut.atMs + cut.forMs);
    expect(Math.max(cut.atMs + cut.forMs, loss.atMs + loss.forMs)).toBeLessThanOrEqual(9_000);
    expect(9_000 - loss.atMs).toBeGreaterThanOrEqual(4_000); // a replica has time to take over
  }
});

it.each([
  { title: 'without partitions', space: spaceOf(ground, { faults: ['kill'] }) },
  { title: 'without losses of nodes', space: spaceOf(ground, { faults: ['partition', 'latency'] }) },
  { title: 'without replicas', space: spaceOf({ ...ground, topology: { ...ground.topology, replicas: 0 } }) },
])('there is no pair $title', ({ space }) =>
  expect(drawPair(new Dice(makeRandom(1, 'test')), space, load)).toBeUndefined(),
);
