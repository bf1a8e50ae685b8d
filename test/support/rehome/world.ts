import { type Bucket, fullBucket, refill } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import { REHOME_SWITCHES, type RehomeSwitches } from '../../../src/limiter/rehome/protocol.ts';
import { bucketNow, type Key, NEW_KEY, type Part, type Value } from './key.ts';

/** A move that some process makes; several may make it, each as often as it likes. Places by their index. */
export interface PlannedMove {
  readonly move: number;
  readonly from: number;
  readonly to: number;
  /** This one begins once the move with that index has opened, or has closed; absent: at any time. */
  readonly after?: number;
  readonly afterClose?: number;
}

/** What can happen in a world, and how often. One tick is one microsecond of the clocks. */
export interface RehomeSettings {
  readonly places: number;
  readonly capacity: number;
  /** Ticks in which one token is gained. */
  readonly ticksPerToken: number;
  readonly moves: readonly PlannedMove[];
  /** Processes take at the new home as soon as it is closed, not only once it has opened. */
  readonly takesEarly: boolean;
  readonly failover: boolean;
  /** Ticks by which the clock of each place is ahead. */
  readonly clocks: readonly number[];
  /** How often a clock steps by a tick, ahead or back. */
  readonly clockSteps: number;
  /** Ticks for which marks and records live, and steps may be late. */
  readonly keepTicks: number;
  /** Whether processes borrow a token, for so many ticks; home waits one more. 0: no. */
  readonly leaseTicks: number;
  readonly switches: RehomeSwitches;
}

export const SETTINGS: RehomeSettings = {
  places: 2,
  capacity: 2,
  ticksPerToken: 1,
  moves: [{ move: 1, from: 0, to: 1 }],
  takesEarly: true,
  failover: false,
  clocks: [0, 0, 0],
  clockSteps: 0,
  keepTicks: Infinity,
  leaseTicks: 0,
  switches: REHOME_SWITCHES,
};

/** A reply to a step, of the move with this index. */
export type Reply =
  | { readonly step: 'close' | 'open' | 'refused'; readonly of: number }
  | { readonly step: 'leave'; readonly of: number; readonly left: Left };

/** What the reply to leave says, and the time of the old home, which it does not say. */
export interface Left {
  readonly parts: readonly Part[];
  readonly updatedAtUs: number;
}

export interface Place {
  readonly key: Key;
  /** What a failover falls back to. */
  readonly replica: Key;
  /** Replies that are used once the replica has what they wrote. */
  readonly unacked: readonly Reply[];
  /** Ticks that its clock is ahead. */
  readonly aheadTicks: number;
  /** Whether processes take here. */
  readonly isUsed: boolean;
  /** Whether it lends no more, since a move waits. */
  readonly isLeaving: boolean;
  /** When mark and record end. */
  readonly keptUntilTicks: number;
}

/** What is known of a move by its processes. */
export interface MoveState {
  readonly begunAtTicks: number | undefined;
  readonly isClosed: boolean;
  readonly lefts: readonly Left[];
  readonly isOpened: boolean;
  readonly isRefused: boolean;
}

/** A lent token. */
export interface Lent {
  readonly at: number;
  readonly holderEndsTicks: number;
  readonly homeEndsTicks: number;
  readonly isSpent: boolean;
}

export interface World {
  readonly places: readonly Place[];
  readonly moves: readonly MoveState[];
  readonly lent: readonly Lent[];
  readonly ticks: number;
  readonly stepsLeft: number;
  /** Every admission is taken from it at its true time. */
  readonly ideal: Bucket;
  /** Quanta that clock steps allow beyond it, less the excess so far. */
  readonly allowance: number;
}

const known = new WeakMap<RehomeSettings, Policy>();

export function policyOf(settings: RehomeSettings): Policy {
  const policy =
    known.get(settings) ?? makePolicy(settings.capacity, { tokens: 1, perUs: settings.ticksPerToken });
  known.set(settings, policy);
  return policy;
}

export function newWorld(settings: RehomeSettings): World {
  return {
    places: Array.from({ length: settings.places }, (_, at): Place => {
      return {
        ...{ key: NEW_KEY, replica: NEW_KEY, unacked: [], aheadTicks: settings.clocks[at] ?? 0 },
        ...{ isUsed: at === 0, isLeaving: false, keptUntilTicks: Infinity },
      };
    }),
    moves: settings.moves.map(() => ({
      ...{ begunAtTicks: undefined, isClosed: false, lefts: [], isOpened: false, isRefused: false },
    })),
    lent: [],
    ticks: 0,
    stepsLeft: settings.clockSteps,
    ideal: fullBucket(policyOf(settings), 0),
    allowance: 0,
  };
}

export const clockOf = (world: World, at: number) => world.ticks + (world.places[at]?.aheadTicks ?? 0);

/** The policy at a place: lent tokens keep their room. */
export function policyAt(world: World, settings: RehomeSettings, at: number): Policy {
  const policy = policyOf(settings);
  const out = lentAt(world, at).length * policy.quantaPerToken;
  return out === 0 ? policy : { ...policy, capacityQuanta: policy.capacityQuanta - out };
}

/** The tokens that a place has lent, as far as it knows. */
export function lentAt(world: World, at: number): readonly Lent[] {
  return world.lent.filter((lent) => lent.at === at && clockOf(world, at) < lent.homeEndsTicks);
}

/** The level of the bucket at a place; undefined for a mark. */
export function levelAt(world: World, settings: RehomeSettings, at: number): number | undefined {
  const value = world.places[at]?.key.value;
  if (value !== undefined && value.type !== 'bucket') return undefined;
  return bucketNow(value, [policyAt(world, settings, at)], clockOf(world, at)).parts[0]?.levelQuanta;
}

export const replacePlace = (world: World, at: number, change: Partial<Place>): World => ({
  ...world,
  places: world.places.map((place, index) => (index === at ? { ...place, ...change } : place)),
});

export const replaceMove = (world: World, of: number, change: Partial<MoveState>): World => ({
  ...world,
  moves: world.moves.map((move, index) => (index === of ? { ...move, ...change } : move)),
});

/** Takes a token from the ideal bucket; what it does not hold comes off the allowance. */
export function charge(world: World, settings: RehomeSettings): World {
  const policy = policyOf(settings);
  const { levelQuanta, updatedAtUs } = refill(world.ideal, policy, world.ticks);
  const after = levelQuanta - policy.quantaPerToken;
  return {
    ...world,
    ideal: { levelQuanta: Math.max(0, after), updatedAtUs },
    allowance: world.allowance + Math.min(0, after),
  };
}

/** All buckets brought up to their clocks, a full one as absent: the same as at the next call. */
export function upToDate(world: World, settings: RehomeSettings): World {
  const now = (key: Key, at: number): Key => {
    if (key.value?.type !== 'bucket') return key;
    const clock = clockOf(world, at);
    const bucket = bucketNow(key.value, [policyAt(world, settings, at)], clock);
    return { ...key, value: normal(bucket, policyOf(settings), clock) };
  };
  return {
    ...world,
    ideal: refill(world.ideal, policyOf(settings), world.ticks),
    places: world.places.map((place, at) => {
      const key = now(place.key, at);
      return { ...place, key, replica: place.replica === place.key ? key : now(place.replica, at) };
    }),
  };
}

/** A full bucket is the same as none. */
export function normal(value: Value, policy: Policy, clock: number): Value | undefined {
  if (value.type !== 'bucket' || value.updatedAtUs > clock) return value;
  return value.parts[0]?.levelQuanta === policy.capacityQuanta ? undefined : value;
}
