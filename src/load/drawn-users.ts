import { makePower } from '../core/power.ts';
import { makeRandom, type Random } from '../core/prng.ts';
import { restingUsers, restShare } from '../core/rests.ts';
import { roams } from '../core/roaming.ts';
import type { LoadShape, PlannedUser, Resting, Users } from './users.ts';

type Shape = Pick<
  LoadShape,
  'seed' | 'regions' | 'users' | 'skew' | 'roaming' | 'rampMs' | 'resting' | 'homes'
>;

/** Draws the users of a run from its seed: u1, u2, and so on; with homes us-east.u1, eu-west.u2. */
export function planUsers(shape: Shape, prefix = 'u'): Users {
  return new DrawnUsers(shape, prefix);
}

/** The share of users who are present at the start of the load; at least one in every region with users. */
const PRESENT_AT_START = 0.1;

/** The place of no region: it sends from all. */
const ROAMS = -1;

/** Columns of numbers: ten million users take a few hundred megabytes, and as objects gigabytes. */
class DrawnUsers implements Users {
  readonly length: number;
  readonly #shape: Shape;
  readonly #prefix: string;
  /** By place of a user: that of its home among the regions. */
  readonly #homes: Int16Array;
  /** By place of a user: its home again, or ROAMS. */
  readonly #from: Int16Array;
  readonly #weights: Float64Array;
  readonly #arrivesMs: Float64Array;
  readonly #rests: Rests | undefined;
  /** By place of a region: those who send from it only. */
  readonly #only: readonly (readonly string[])[];
  #places: readonly Int32Array[] | undefined;

  constructor(shape: Shape, prefix: string) {
    const { seed, regions, users, skew, roaming, rampMs, resting } = shape;
    const random = makeRandom(seed, 'users');
    const power = makePower(skew); // the same on every engine, as all that is drawn
    this.length = users;
    this.#shape = shape;
    this.#prefix = prefix;
    this.#homes = new Int16Array(users);
    this.#from = new Int16Array(users);
    this.#weights = new Float64Array(users);
    this.#arrivesMs = new Float64Array(users);
    this.#only = regions.map((region) => [region]);
    for (let place = 0; place < users; place++) {
      const drawn = Math.floor(random() * regions.length);
      const home = place < regions.length ? place : drawn; // the first in turn: every region has one
      this.#homes[place] = home;
      this.#from[place] = roams(roaming, place, random()) ? ROAMS : home;
      this.#arrivesMs[place] = Math.max(0, random() - PRESENT_AT_START) * rampMs;
      this.#weights[place] = 1 / power(place + 1);
    }
    const earliest = this.#earliest();
    this.#rests = resting && drawRests(users, resting, { seed, earliest });
    for (const place of earliest) this.#arrivesMs[place] = 0;
  }

  at(place: number): PlannedUser | undefined {
    const { regions, homes } = this.#shape;
    const from = this.#from[place];
    if (from === undefined) return undefined;
    const name = `${this.#prefix}${place + 1}`;
    const user = {
      name: homes ? `${regions[this.#homes[place] as number]}.${name}` : name,
      regions: from === ROAMS ? regions : (this.#only[from] as readonly string[]),
      weight: this.#weights[place] as number,
      arrivesMs: this.#arrivesMs[place] as number,
    };
    const rests = this.#restsOf(place);
    return rests === undefined ? user : { ...user, rests };
  }

  *[Symbol.iterator](): Iterator<PlannedUser> {
    for (let place = 0; place < this.length; place++) yield this.at(place) as PlannedUser;
  }

  #restsOf(place: number): PlannedUser['rests'] {
    const restMs = this.#rests?.restMs[place] ?? 0;
    if (this.#rests === undefined || restMs === 0) return undefined;
    const { burstMs, offsetMs } = this.#rests;
    return { restMs, burstMs, offsetMs: offsetMs[place] as number };
  }

  placesIn(region: string): Int32Array {
    this.#places ??= this.#placesByRegion();
    return this.#places[this.#shape.regions.indexOf(region)] ?? new Int32Array();
  }

  #placesByRegion(): Int32Array[] {
    const counts = this.#shape.regions.map(() => 0);
    let roamers = 0;
    for (const from of this.#from) {
      if (from === ROAMS) roamers++;
      else counts[from] = (counts[from] as number) + 1;
    }
    const all = counts.map((count) => new Int32Array(count + roamers));
    const ends = all.map(() => 0);
    const add = (region: number, place: number) => {
      const end = ends[region] as number;
      (all[region] as Int32Array)[end] = place;
      ends[region] = end + 1;
    };
    for (const [place, from] of this.#from.entries()) {
      if (from === ROAMS) for (const region of all.keys()) add(region, place);
      else add(from, place);
    }
    return all;
  }

  /** By region, who arrives first; of several at once the first of all. */
  #earliest(): Set<number> {
    const first: (number | undefined)[] = this.#shape.regions.map(() => undefined);
    for (const [place, from] of this.#from.entries()) {
      for (const region of from === ROAMS ? first.keys() : [from]) {
        const known = first[region];
        if (known === undefined || this.#isBefore(place, known)) first[region] = place;
      }
    }
    return new Set(first.filter((place) => place !== undefined));
  }

  #isBefore(place: number, other: number): boolean {
    return (this.#arrivesMs[place] as number) < (this.#arrivesMs[other] as number);
  }
}

/** How users rest, by their places. */
interface Rests {
  /** 0 of one who does not. */
  readonly restMs: Float64Array;
  readonly offsetMs: Float64Array;
  readonly burstMs: number;
}

/** Draws who rests and how: a share of the users, at least one. Its own random stream leaves other draws unchanged. */
function drawRests(
  users: number,
  { share, restMs, burstMs }: Resting,
  { seed, earliest }: { readonly seed: number; readonly earliest: ReadonlySet<number> },
): Rests {
  const random = makeRandom(seed, 'resting');
  const drawn = inDrawnOrder(users, earliest, random);
  const chosen = drawn.subarray(0, restingUsers(users, share));
  const rests = { restMs: new Float64Array(users), offsetMs: new Float64Array(users), burstMs };
  for (const [nth, key] of chosen.entries()) {
    const user = Number(key & USER);
    const ownMs = Math.max(1, Math.round(restMs * restShare(nth, chosen.length)));
    rests.restMs[user] = ownMs;
    rests.offsetMs[user] = Math.floor(random() * (ownMs + burstMs));
  }
  return rests;
}

/** A number of 32 bits is drawn for each user but the earliest; it is followed by 32 bits of the user, and all are sorted. */
function inDrawnOrder(users: number, earliest: ReadonlySet<number>, random: Random): BigUint64Array {
  const keys = new BigUint64Array(users - earliest.size);
  let end = 0;
  for (let user = 0; user < users; user++)
    if (!earliest.has(user)) keys[end++] = (BigInt(random() * 2 ** 32) << 32n) | BigInt(user);
  return keys.sort();
}

const USER = 0xffff_ffffn;
