import { groupBy } from '../core/group-by.ts';
import { makeRandom } from '../core/prng.ts';
import { roams } from '../core/roaming.ts';
import type { RecordedRequest } from '../history/foreign/arrivals.ts';
import type { Arrivals } from './arrivals.ts';
import type { LoadShape, PlannedUser, Users } from './users.ts';

type Shape = Pick<LoadShape, 'seed' | 'regions' | 'roaming'>;

/**
 * The users of a recorded load, in the order of their first requests. Each sends from the regions that the log names; if
 * it names none, from one that is drawn by the seed, or, if it roams, from all.
 */
export function recordedUsers(
  requests: readonly RecordedRequest[],
  { seed, regions, roaming }: Shape,
): PlannedUser[] {
  const random = makeRandom(seed, 'recorded users');
  const placeOf = roaming === 'auto' ? placesByRequests(requests) : () => 0;
  const users = new Map<string, { name: string; regions: string[]; weight: number; arrivesMs: number }>();
  for (const { user: name, region, atUs } of requests) {
    let user = users.get(name);
    if (user === undefined) {
      const home = regions[Math.floor(random() * regions.length)] ?? '';
      const drawn = roams(roaming, placeOf(name), random()) ? [...regions] : [home];
      user = { name, regions: region === undefined ? drawn : [], weight: 0, arrivesMs: atUs / 1_000 };
      users.set(name, user);
    }
    if (region !== undefined && !user.regions.includes(region)) user.regions.push(region);
    user.weight++;
  }
  return [...users.values()];
}

/** The places of users when those with the most requests come first. */
function placesByRequests(requests: readonly RecordedRequest[]): (user: string) => number {
  const sorted = [...groupBy(requests, ({ user }) => user)].sort(([, a], [, b]) => b.length - a.length);
  const places = new Map(sorted.map(([user], place) => [user, place]));
  return (user) => places.get(user) ?? 0;
}

/** The requests of a log, each in its own region, or in one of its user's that is drawn by the seed. */
export function* recordedArrivals(
  requests: readonly RecordedRequest[],
  users: Users,
  { seed, regions }: Shape,
): Arrivals {
  const random = makeRandom(seed, 'recorded regions');
  const regionsOf = new Map(Array.from(users, (user) => [user.name, user.regions]));
  const places = new Map(regions.map((region, index) => [region, index]));
  for (const { atUs, user, cost, region } of requests) {
    const own = regionsOf.get(user) ?? [];
    const from = region ?? own[own.length > 1 ? Math.floor(random() * own.length) : 0] ?? '';
    yield { atUs, region: places.get(from) ?? 0, request: { user, cost } };
  }
}
