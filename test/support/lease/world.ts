import { type Bucket, fullBucket, refill } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import type { Holder } from '../../../src/limiter/strategies/lease/holder.ts';
import { advance, type Home } from '../../../src/limiter/strategies/lease/home.ts';
import {
  LEASE_SWITCHES,
  type LeaseSwitches,
  type LeaseTerms,
  type Reply,
  type Request,
} from '../../../src/limiter/strategies/lease/protocol.ts';
import { makeHolder } from './holder.ts';

/** What can happen in a world, and how often. One tick is one microsecond of the protocol's clocks. */
export interface WorldSettings {
  readonly holders: number;
  readonly capacity: number;
  /** Ticks in which one token is gained. */
  readonly ticksPerToken: number;
  readonly leaseTicks: number;
  readonly marginTicks: number;
  /** Ticks that a holder's clock loses at most within a lease. */
  readonly driftTicks: number;
  /** Messages of one holder on their way at once, both directions together. */
  readonly inFlight: number;
  /** Requests of one lease at most. */
  readonly requestsPerLease: number;
  /** The token amounts that are asked for; every request may also ask for 0. */
  readonly wants: readonly number[];
  readonly failover: boolean;
  readonly crash: boolean;
  /** Another holder may borrow a token, spend it and say so, in one step: the quickest there can be. */
  readonly neighbour: boolean;
  /** How often home's clock steps, and by how many ticks ahead at most; a step back may be of one tick. */
  readonly clockSteps: number;
  readonly stepTicks: number;
  /** How often home comes back without its state. */
  readonly emptyRestarts: number;
  /** Watch what home keeps for a request that has no answer yet. */
  readonly watchesLent: boolean;
  readonly switches: LeaseSwitches;
}

export const SETTINGS: WorldSettings = {
  holders: 2,
  capacity: 2,
  ticksPerToken: 2,
  leaseTicks: 2,
  marginTicks: 1,
  driftTicks: 1,
  inFlight: 2,
  requestsPerLease: 2,
  wants: [1, 2],
  failover: false,
  crash: false,
  neighbour: false,
  clockSteps: 0,
  stepTicks: 0,
  emptyRestarts: 0,
  watchesLent: false,
  switches: LEASE_SWITCHES,
};

export type Message =
  | { readonly type: 'request'; readonly message: Request; readonly lostTicks: number }
  | {
      readonly type: 'reply';
      readonly message: Reply;
      readonly lostTicks: number;
      /** Every replica has what it says. */
      readonly isAcked: boolean;
    };

/** A holder with its clock, and what is on the way to and from it. */
export interface Place {
  readonly holder: Readonly<Holder>;
  readonly nowTicks: number;
  /** Ticks that its clock has lost since its lease's term began. */
  readonly lostTicks: number;
  /** The highest lease name it has used, in all its lives. */
  readonly lastLease: number;
  readonly messages: readonly Message[];
  /** `used` and `returned` of its last request, for the switches that need them. */
  readonly reported: number;
  readonly returning: number;
  /**
   * By how many tokens home's level has fallen for the request that has no answer yet, as seen from outside, and until
   * when, on home's clock, it may keep them; 0 where that is not watched, or home has lost what it knew.
   */
  readonly lentTokens: number;
  readonly lentUntilTicks: number;
}

export interface World {
  readonly places: readonly Place[];
  readonly home: Home | undefined;
  /** What a failover falls back to: some earlier state of home's. */
  readonly replica: Home | undefined;
  readonly homeTicks: number;
  readonly ticks: number;
  /** The ideal bucket: every admission is taken from it at its true time, by no bookkeeping of the protocol's. */
  readonly ideal: Bucket;
  /** Quanta that may still be admitted beyond it: what clock steps and empty restarts allow, less the excess so far. */
  readonly allowance: number;
  readonly stepsLeft: number;
  readonly restartsLeft: number;
}

const known = new WeakMap<WorldSettings, LeaseTerms>();

export function termsOf(settings: WorldSettings): LeaseTerms {
  const { capacity, ticksPerToken, leaseTicks, marginTicks } = settings;
  const terms = known.get(settings) ?? {
    policy: makePolicy(capacity, { tokens: 1, perUs: ticksPerToken }),
    leaseUs: leaseTicks,
    marginUs: marginTicks,
  };
  known.set(settings, terms);
  return terms;
}

export function policyOf(settings: WorldSettings): Policy {
  return termsOf(settings).policy;
}

export function newWorld(settings: WorldSettings): World {
  const policy = policyOf(settings);
  const places = Array.from(
    { length: settings.holders },
    (_, at): Place => ({
      holder: makeHolder(at),
      nowTicks: 0,
      lostTicks: 0,
      lastLease: 0,
      messages: [],
      reported: 0,
      returning: 0,
      lentTokens: 0,
      lentUntilTicks: 0,
    }),
  );
  return {
    places,
    home: undefined,
    replica: undefined,
    homeTicks: 0,
    ticks: 0,
    ideal: fullBucket(policy, 0),
    allowance: 0,
    stepsLeft: settings.clockSteps,
    restartsLeft: settings.emptyRestarts,
  };
}

/** Takes an admission from the ideal bucket; what it does not hold comes off the allowance. */
export function charge(world: World, settings: WorldSettings, tokens: number): World {
  const policy = policyOf(settings);
  const { levelQuanta, updatedAtUs } = refill(world.ideal, policy, world.ticks);
  const after = levelQuanta - tokens * policy.quantaPerToken;
  return {
    ...world,
    ideal: { levelQuanta: Math.max(0, after), updatedAtUs },
    allowance: world.allowance + Math.min(0, after),
  };
}

/** Home, its replica and the ideal bucket brought up to their clocks: the same as at the next request. */
export function upToDate(world: World, settings: WorldSettings): World {
  const policy = policyOf(settings);
  const advanced = (stored: Home | undefined) =>
    stored && normal(advance(stored, policy, world.homeTicks, settings.switches), policy, world.homeTicks);
  const home = advanced(world.home);
  const replica = world.replica === world.home ? home : advanced(world.replica);
  return { ...world, home, replica, ideal: refill(world.ideal, policy, world.ticks) };
}

/** A full bucket that lent nothing is the same as none. */
export function normal(home: Home | undefined, policy: Policy, nowTicks: number): Home | undefined {
  const isNew = home?.levelQuanta === policy.capacityQuanta && home.accounts.length === 0;
  return isNew && home.updatedAtUs <= nowTicks ? undefined : home;
}
