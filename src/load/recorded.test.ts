import { expect, it } from 'vitest';
import { recordedArrivals, recordedUsers } from './recorded.ts';

const shape = { seed: 1, regions: ['r0', 'r1', 'r2'], roaming: 0 };
const at = (atUs: number, user: string, region?: string) => ({
  ...{ atUs, user, cost: 1 },
  ...(region !== undefined && { region }),
});
const many = Array.from({ length: 3_000 }, (_, nth) => at(nth, `u${nth % 300}`));
const arrivals = (requests: Parameters<typeof recordedUsers>[0], with_: typeof shape) =>
  Array.from({ [Symbol.iterator]: () => recordedArrivals(requests, recordedUsers(requests, with_), with_) });

it('a user sends from the regions of the log, and weighs as many requests as it has', () => {
  const requests = [
    at(0, 'ada', 'r2'),
    at(1_500, 'bob', 'r0'),
    at(2_000, 'ada', 'r0'),
    at(3_000, 'ada', 'r2'),
  ];
  expect(recordedUsers(requests, shape)).toEqual([
    { name: 'ada', regions: ['r2', 'r0'], weight: 3, arrivesMs: 0 },
    { name: 'bob', regions: ['r0'], weight: 1, arrivesMs: 1.5 },
  ]);
  expect(arrivals(requests, shape)).toEqual([
    { atUs: 0, region: 2, request: { user: 'ada', cost: 1 } },
    { atUs: 1_500, region: 0, request: { user: 'bob', cost: 1 } },
    { atUs: 2_000, region: 0, request: { user: 'ada', cost: 1 } },
    { atUs: 3_000, region: 2, request: { user: 'ada', cost: 1 } },
  ]);
});

it('without regions in the log each user has one by the seed, and one that roams has all', () => {
  const home = recordedUsers(many, shape);
  expect(home.every(({ regions }) => regions.length === 1)).toBe(true);
  expect(new Set(home.flatMap(({ regions }) => regions))).toEqual(new Set(shape.regions));
  expect(recordedUsers(many, shape)).toEqual(home);
  expect(recordedUsers(many, { ...shape, seed: 2 })).not.toEqual(home);
  const roaming = recordedUsers(many, { ...shape, roaming: 1 });
  expect(roaming.every(({ regions }) => regions.length === 3)).toBe(true);
});

it('requests of one that roams go to all its regions, the same with the same seed', () => {
  const roaming = { ...shape, roaming: 1 };
  const sent = arrivals(many, roaming);
  expect(sent.map(({ atUs, request }) => [atUs, request?.user])).toEqual(
    many.map(({ atUs, user }) => [atUs, user]),
  );
  expect(arrivals(many, roaming)).toEqual(sent);
  for (const region of [0, 1, 2])
    expect(sent.filter((arrival) => arrival.region === region).length).toBeGreaterThan(800);
});
