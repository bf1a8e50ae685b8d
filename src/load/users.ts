import { OpenclawError } from '../core/errors.ts';
import { makeRandom, type Random } from '../core/prng.ts';

/** Who fires and how: closed or open, how many connections and users, how skewed, how many roam between regions. */
export interface LoadShape {
  readonly seed: number;
  readonly regions: readonly string[];
  /** Closed: each connection sends when it was answered. Open: requests start at a constant rate. */
  readonly mode: 'closed' | 'open';
  /** Requests started a second, over all regions; of an open load only. */
  readonly ratePerSecond?: number;
  /** Concurrent users: connections that each have one request in flight. Of an open load the most in flight. */
  readonly connections: number;
  /** Tokens a request asks for: one of these, each as likely. */
  readonly costs: readonly number[];
  /** Distinct users, so distinct buckets. */
  readonly users: number;
  /** The user of rank k is drawn with weight k^-skew (Zipf). 0 is uniform. */
  readonly skew: number;
  /** The share of users whose requests come from every region, 0 to 1. */
  readonly roaming: number;
  /** Users arrive one after another during this time, so that buckets start at different moments. */
  readonly rampMs: number;
  /** Who rests now and then; absent: none. */
  readonly resting?: Resting;
}

/**
 * Some users rest and come back in bursts. A bucket that is asked all the time never shows that its key expires before
 * it is full: it was drained, has rested for less than that, and holds more than the refill of the rest.
 */
export interface Resting {
  /** Of the users, 0 to 1; the first to arrive of each region never rest. */
  readonly share: number;
  /** The longest rest: each has a length of its own, spread evenly from a quarter of this. */
  readonly restMs: number;
  /** How long they send between two rests, as much as others do in both. */
  readonly burstMs: number;
}

export interface PlannedUser {
  readonly name: string;
  /** Where its requests come from: one region, or all of them. */
  readonly regions: readonly string[];
  readonly weight: number;
  /** It sends nothing before this moment of the load. */
  readonly arrivesMs: number;
  /** It rests and sends in turn, for ever; at the beginning of the load `offsetMs` of the first round are over. */
  readonly rests?: { readonly restMs: number; readonly burstMs: number; readonly offsetMs: number };
}

/** What stands for the real user of a number, from 1, wherever something is written. */
export const REAL_USER = 'key-';

/** Draws the users of a run from its seed: u1, u2, and so on. */
export function planUsers(
  {
    seed,
    regions,
    users,
    skew,
    roaming,
    rampMs,
    resting,
  }: Pick<LoadShape, 'seed' | 'regions' | 'users' | 'skew' | 'roaming' | 'rampMs' | 'resting'>,
  prefix = 'u',
): PlannedUser[] {
  const random = makeRandom(seed, 'users');
  const planned = Array.from({ length: users }, (_, index) => {
    const drawn = Math.floor(random() * regions.length);
    const home = regions[index < regions.length ? index : drawn] ?? ''; // the first in turn: no region is without
    const roams = random() < roaming;
    const arrivesMs = Math.max(0, random() - PRESENT_AT_START) * rampMs;
    return {
      name: `${prefix}${index + 1}`,
      regions: roams ? regions : [home],
      weight: (index + 1) ** -skew,
      arrivesMs,
    };
  });
  const earliest = new Set(regions.map((region) => firstToArrive(planned, region)));
  const rests = resting === undefined ? undefined : drawRests(planned, resting, { seed, earliest });
  return planned.map((user) => {
    if (earliest.has(user)) return { ...user, arrivesMs: 0 };
    const own = rests?.get(user);
    return own === undefined ? user : { ...user, rests: own };
  });
}

/** Who rests, and how: a share of the users, one at least. Of a stream of its own, so that it changes nothing else. */
function drawRests(
  planned: readonly PlannedUser[],
  { share, restMs, burstMs }: Resting,
  { seed, earliest }: { readonly seed: number; readonly earliest: ReadonlySet<PlannedUser | undefined> },
): Map<PlannedUser, NonNullable<PlannedUser['rests']>> {
  const random = makeRandom(seed, 'resting');
  const places = planned.filter((user) => !earliest.has(user)).map((user) => ({ user, place: random() }));
  const count = share === 0 ? 0 : Math.max(1, Math.round(share * planned.length));
  const chosen = places.sort((a, b) => a.place - b.place).slice(0, count);
  return new Map(
    chosen.map(({ user }, nth) => {
      const spread = SHORTEST_REST + ((1 - SHORTEST_REST) * (nth + 0.5)) / chosen.length;
      const ownMs = Math.max(1, Math.round(restMs * spread));
      return [user, { restMs: ownMs, burstMs, offsetMs: Math.floor(random() * (ownMs + burstMs)) }];
    }),
  );
}

/** Of the longest. */
const SHORTEST_REST = 0.25;

/** The share of users who are there when the load begins; in every region that has users it is one at least. */
const PRESENT_AT_START = 0.1;

function firstToArrive(planned: readonly PlannedUser[], region: string): PlannedUser | undefined {
  const present = planned.filter((user) => user.regions.includes(region));
  return present.sort((a, b) => a.arrivesMs - b.arrivesMs)[0];
}

/** The users expected to send most, given that every region sends equally much. */
export function busiestUsers(
  planned: readonly PlannedUser[],
  regions: readonly string[],
  count: number,
): PlannedUser[] {
  const expected = new Map<PlannedUser, number>();
  for (const region of regions) {
    const present = planned.filter((user) => user.regions.includes(region));
    const total = present.reduce((sum, { weight }) => sum + weight, 0);
    for (const user of present) expected.set(user, (expected.get(user) ?? 0) + user.weight / total);
  }
  return [...expected]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([user]) => user);
}

/** Gives the next user to send a request, `elapsedMs` after the load began. */
export type UserDraw = (random: Random, elapsedMs: number) => PlannedUser;

/** Draws users of one region by their weight, among those who have arrived and do not rest. */
export function makeUserDraw(planned: readonly PlannedUser[], region: string): UserDraw {
  const present = planned.filter((user) => user.regions.includes(region));
  const first = firstToArrive(planned, region);
  if (first === undefined) {
    throw new OpenclawError('INVALID_OPTION', `no user sends from ${region}: raise --users or --roaming`);
  }
  let sum = 0;
  const upTo = present.map((user) => {
    sum += weightNow(user);
    return sum;
  });
  return (random, elapsedMs) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const user = present[indexAbove(upTo, random() * sum)];
      if (user !== undefined && isThere(user, elapsedMs)) return user;
    }
    return first;
  };
}

const MOST_TRIES = 50;

/** In a burst it sends what it would have sent in the rest as well, up to a limit: draws of who rests are drawn again. */
function weightNow({ weight, rests }: PlannedUser): number {
  if (rests === undefined) return weight;
  return weight * Math.min(MOST_AT_ONCE, (rests.restMs + rests.burstMs) / rests.burstMs);
}

const MOST_AT_ONCE = 20;

function isThere({ arrivesMs, rests }: PlannedUser, elapsedMs: number): boolean {
  if (arrivesMs > elapsedMs) return false;
  if (rests === undefined) return true;
  return (elapsedMs + rests.offsetMs) % (rests.restMs + rests.burstMs) >= rests.restMs;
}

/** The first index whose value is above `target`; the values rise. */
function indexAbove(values: readonly number[], target: number): number {
  let low = 0;
  for (let high = values.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
