import { invalidOption } from '../core/errors.ts';
import { makePower } from '../core/power.ts';
import { makeRandom, type Random } from '../core/prng.ts';
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
  /** The share of users who send from every region, 0 to 1. */
  readonly roaming: number;
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

/** Draws the users of a run from its seed: u1, u2, and so on; with homes us-east.u1, eu-west.u2. */
export function planUsers(
  {
    seed,
    regions,
    users,
    skew,
    roaming,
    rampMs,
    resting,
    homes,
  }: Pick<LoadShape, 'seed' | 'regions' | 'users' | 'skew' | 'roaming' | 'rampMs' | 'resting' | 'homes'>,
  prefix = 'u',
): PlannedUser[] {
  const random = makeRandom(seed, 'users');
  const power = makePower(skew); // the same on every engine, as all that is drawn
  const planned = Array.from({ length: users }, (_, index) => {
    const drawn = Math.floor(random() * regions.length);
    const home = regions[index < regions.length ? index : drawn] ?? ''; // the first in turn: every region has one
    const roams = random() < roaming;
    const arrivesMs = Math.max(0, random() - PRESENT_AT_START) * rampMs;
    return {
      name: `${homes ? `${home}.` : ''}${prefix}${index + 1}`,
      regions: roams ? regions : [home],
      weight: 1 / power(index + 1),
      arrivesMs,
    };
  });
  const earliest: ReadonlySet<PlannedUser> = new Set(firstToArrive(planned).values());
  const rests = resting === undefined ? undefined : drawRests(planned, resting, { seed, earliest });
  return planned.map((user) => {
    if (earliest.has(user)) return { ...user, arrivesMs: 0 };
    const own = rests?.get(user);
    return own === undefined ? user : { ...user, rests: own };
  });
}

/** Draws who rests and how: a share of the users, at least one. Its own random stream leaves other draws unchanged. */
function drawRests(
  planned: readonly PlannedUser[],
  { share, restMs, burstMs }: Resting,
  { seed, earliest }: { readonly seed: number; readonly earliest: ReadonlySet<PlannedUser> },
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

/** The shortest rest, as a share of the longest. */
const SHORTEST_REST = 0.25;

/** The share of users who are present at the start of the load; at least one in every region with users. */
const PRESENT_AT_START = 0.1;

/** By region, who arrives first; of several at once the first of the list. */
function firstToArrive(planned: readonly PlannedUser[]): Map<string, PlannedUser> {
  const first = new Map<string, PlannedUser>();
  for (const user of planned)
    for (const region of user.regions) {
      const known = first.get(region);
      if (known === undefined || user.arrivesMs < known.arrivesMs) first.set(region, user);
    }
  return first;
}

/** The users expected to send most, if every region sends the same number of requests. */
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
  const least = Float64Array.from(expected.values()).sort().at(-Math.min(count, expected.size)) ?? 0;
  return [...expected]
    .filter(([, requests]) => requests >= least) // of a million users few are sorted
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([user]) => user);
}

/** Gives the next user to send a request, `elapsedMs` after the load began. */
export type UserDraw = (random: Random, elapsedMs: number) => PlannedUser;

/** Draws users of one region by weight, among those who have arrived and do not rest. Throws INVALID_OPTION if none. */
export function makeUserDraw(planned: readonly PlannedUser[], region: string): UserDraw {
  const present = planned.filter((user) => user.regions.includes(region));
  const first = firstToArrive(present).get(region);
  if (first === undefined) {
    throw invalidOption(`no user sends from ${region}: raise --users or --roaming`);
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
function indexAbove(values: readonly number[], target: number): number {
  let low = 0;
  for (let high = values.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
