import { invalidOption } from '../core/errors.ts';
import type { Random } from '../core/prng.ts';
import type { Roaming } from '../core/roaming.ts';
import type { Peaks } from './arrivals.ts';

/** The shape of a load: closed or open, connections, users, their skew, and how many roam between regions. */
export interface LoadShape {
  readonly seed: number;
  readonly regions: readonly string[];
  /** Closed: each connection sends once its last request is answered. Open: requests start when they are due. */
  readonly mode: 'closed' | 'open';
  /** Requests started per second, over all regions; for an open load that is not recorded. */
  readonly ratePerSecond?: number;
  /** Times of a higher rate; for an open load with a rate. */
  readonly peaks?: Peaks;
  /** Connections, each with at most one request in flight. */
  readonly connections: number;
  /** Tokens of a request: one of these, each equally likely. */
  readonly costs: readonly number[];
  /** The names of several policies; absent for one. */
  readonly policies?: readonly string[];
  /** Tokens of a request for these policies, each drawn independently; others cost `costs`. */
  readonly costsByPolicy?: Readonly<Record<string, readonly number[]>>;
  /** What a request really costs, each equally likely: it reserves its cost and is settled at this. Absent: it takes its cost. */
  readonly actuals?: readonly number[];
  /** Distinct users; each has a bucket. */
  readonly users: number;
  /** The user of rank k is drawn with weight k^-skew (Zipf). 0 is uniform. */
  readonly skew: number;
  /** The share of users who send from every region, 0 to 1; `auto`: the busiest do. */
  readonly roaming: Roaming;
  /** Users arrive one after another during this time, so that buckets start at different moments. */
  readonly rampMs: number;
  /** Users who rest now and then; absent: none. */
  readonly resting?: Resting;
  /** A user's name begins with its home, the region that is drawn for it, and a dot; so does that of one who roams. */
  readonly homes?: true;
}

/**
 * Some users rest and come back in bursts. This shows keys that expire before their bucket is full: a drained bucket
 * then holds more than the refill of the rest. A bucket in constant use cannot show it.
 */
export interface Resting {
  /** The share of users who rest, 0 to 1. The first user of each region never rests. */
  readonly share: number;
  /** The longest rest. Lengths are spread evenly over the users, from a quarter of this. */
  readonly restMs: number;
  /** How long they send between two rests; a burst makes up for the requests of the rest. */
  readonly burstMs: number;
}

export interface PlannedUser {
  readonly name: string;
  /** The regions it sends from: one, or all of them. */
  readonly regions: readonly string[];
  readonly weight: number;
  /** Milliseconds after the start of the load; it sends nothing earlier. */
  readonly arrivesMs: number;
  /** It rests and sends in turn. The load starts `offsetMs` into the first round. */
  readonly rests?: { readonly restMs: number; readonly burstMs: number; readonly offsetMs: number };
}

/** In all output a real user is called by this prefix and its number, from 1. */
export const REAL_USER = 'key-';

/** The users of a load in their order: a list, or so many that each is made when it is asked for. */
export interface Users extends Iterable<PlannedUser> {
  readonly length: number;
  at(place: number): PlannedUser | undefined;
  /** The places of those who send from a region, rising. Absent of a list, which is searched. */
  placesIn?(region: string): Int32Array;
}

function placesIn(users: Users, region: string): Int32Array {
  const known = users.placesIn?.(region);
  if (known !== undefined) return known;
  const places: number[] = [];
  let place = 0;
  for (const { regions } of users) {
    if (regions.includes(region)) places.push(place);
    place++;
  }
  return Int32Array.from(places);
}

/** The users expected to send most, if every region sends the same number of requests. */
export function busiestUsers(users: Users, regions: readonly string[], count: number): PlannedUser[] {
  const expected = new Float64Array(users.length);
  const weights = Float64Array.from({ length: users.length }, (_, place) => users.at(place)?.weight ?? 0);
  const inRegions = regions.map((region) => placesIn(users, region));
  for (const places of inRegions) {
    const total = places.reduce((sum, place) => sum + (weights[place] as number), 0);
    for (const place of places)
      expected[place] = (expected[place] as number) + (weights[place] as number) / total;
  }
  const least = expected.toSorted().at(-Math.min(count, users.length)) ?? 0;
  const candidates = new Set<number>(); // those of one region after those of the other
  for (const places of inRegions)
    for (const place of places) if ((expected[place] as number) >= least) candidates.add(place);
  return [...candidates]
    .sort((a, b) => (expected[b] as number) - (expected[a] as number))
    .slice(0, count)
    .map((place) => users.at(place) as PlannedUser);
}

/** Gives the next user to send a request, `elapsedMs` after the load began. */
export type UserDraw = (random: Random, elapsedMs: number) => PlannedUser;

/** Draws users of one region by weight, among those who have arrived and do not rest. Throws INVALID_OPTION if none. */
export function makeUserDraw(users: Users, region: string): UserDraw {
  const present = placesIn(users, region);
  const upTo = new Float64Array(present.length);
  let first: PlannedUser | undefined; // to arrive; of several at once the first of the list
  let sum = 0;
  for (const [nth, place] of present.entries()) {
    const user = users.at(place) as PlannedUser;
    if (first === undefined || user.arrivesMs < first.arrivesMs) first = user;
    sum += weightNow(user);
    upTo[nth] = sum;
  }
  if (first === undefined) {
    throw invalidOption(`no user sends from ${region}: raise --users or --roaming`);
  }
  const fallback = first;
  return (random, elapsedMs) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const user = users.at(present[indexAbove(upTo, random() * sum)] as number);
      if (user !== undefined && isThere(user, elapsedMs)) return user;
    }
    return fallback;
  };
}

const MOST_TRIES = 50;

/** A burst makes up for the requests of the rest, up to a limit: a draw of a user who rests is repeated. */
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
function indexAbove(values: Float64Array, target: number): number {
  let low = 0;
  for (let high = values.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
