import { fullBucket } from '../../../src/core/bucket.ts';
import { makePolicy } from '../../../src/core/policy.ts';
import { clocked, denialCharges, OneState, offByOne, type Step, wholeSeconds } from './broken-steps.ts';
import { FixedWindow, NonAtomic, Regional } from './broken-structures.ts';
import { ExactBucket } from './correct.ts';
import {
  type Answer,
  EPOCH_US,
  fillUs,
  type Limiter,
  type Request,
  type Specimen,
  type World,
} from './limiter.ts';
import type { Circumstances } from './workload.ts';

/** Short intervals, no retries, and buckets large enough for bursts: the history shows what the limiter does. */
const sharp = (drawn: Circumstances): Circumstances => {
  const refill = fillUs(drawn.policy) < 10_000 ? '50/s' : drawn.policy.refill; // the clock that was not read may be off by a millisecond
  const policy = makePolicy(drawn.policy.capacityTokens < 5 ? 10 : drawn.policy.capacityTokens, refill);
  return {
    ...drawn,
    policy,
    latencyUs: Math.min(drawn.latencyUs, Math.ceil(0.1 * fillUs(policy))),
    lossRate: Math.min(drawn.lossRate, 0.01),
    knownRate: 1,
    doubleRate: 0,
    retryRate: 0,
    mostCost: 1,
  };
};
const drained = (drawn: Circumstances): Circumstances => ({ ...sharp(drawn), buckets: 5, demand: 1.5 });
const oneRegion =
  (demand: number) =>
  (drawn: Circumstances): Circumstances => ({
    ...sharp(drawn),
    buckets: 2,
    regions: 1,
    demand,
    startShare: 0,
  });
const apart = (drawn: Circumstances): Circumstances => ({
  ...sharp(drawn),
  regions: 2,
  demand: 4,
  hasLevels: true,
});
const rested = (drawn: Circumstances): Circumstances => ({
  ...sharp(drawn),
  policy: makePolicy(10, sharp(drawn).policy.refill),
  buckets: 5,
  demand: 0.8,
});

const simple = (reason: string, name: string, step: Step, needs: Specimen['needs'] = drained): Specimen => ({
  reason,
  name,
  needs,
  create: (world) => new OneState(world, step),
});
const refilled = (factor: number): Specimen =>
  simple(
    'refill-factor',
    `refill ${factor} times as fast`,
    clocked(({ nowUs }) => Math.floor(nowUs * factor)),
  );

/** The key expires after a rest of a quarter of the time in which an empty bucket fills. */
const expires: Step = (state, request, world) => {
  const lifeUs = world.policy.capacityQuanta / world.policy.quantaPerUs / 4;
  const nowUs = EPOCH_US + request.nowUs;
  const known = nowUs - state.updatedAtUs >= lifeUs ? fullBucket(world.policy, nowUs) : state;
  return clocked((one) => one.nowUs)(known, request, world);
};

/** Each instance has a bucket of its own for everyone; the history says which instance answered, if they are `named`. */
class Instances implements Limiter {
  readonly #all: readonly ExactBucket[];
  readonly #random: World['random'];

  readonly #areNamed: boolean;

  constructor({ policy, random }: World, count: number, { areNamed = false } = {}) {
    this.#all = Array.from({ length: count }, () => new ExactBucket(policy));
    this.#random = random;
    this.#areNamed = areNamed;
  }

  decide(request: Request): Answer {
    const at = Math.floor(this.#random() * this.#all.length);
    const { outcome } = this.#all[at]?.decide(request) ?? { outcome: 'denied' };
    return { outcome, ...(this.#areNamed && { instance: `i${request.region}-${at}` }) };
  }
}

/** Limiters with one defect each, under circumstances in which their histories show which one. */
export const REASONED: readonly Specimen[] = [
  simple('one-too-many', 'one too many at the limit', offByOne),
  ...[15, 5].map((capacity) => ({
    reason: 'other-capacity',
    name: `U9: a bucket of ${capacity} sold as one of 10`,
    needs: rested,
    create: (world: World) => new ExactBucket(makePolicy(capacity, world.policy.refill)),
  })),
  refilled(2),
  refilled(1.1),
  refilled(0.5),
  {
    reason: 'multiplied',
    name: 'two instances',
    needs: oneRegion(5),
    create: (world) => new Instances(world, 2),
  },
  {
    reason: 'multiplied',
    name: 'three instances',
    needs: oneRegion(7),
    create: (world) => new Instances(world, 3),
  },
  ...[2, 3, 5].map((count) => ({
    reason: 'instances-apart',
    name: `${count} instances, each of which the history names`,
    needs: oneRegion(3 * count),
    create: (world: World) => new Instances(world, count, { areNamed: true }),
  })),
  simple('charged-denials', 'denials cost tokens', denialCharges),
  simple('forgotten', 'state forgotten after a rest', expires, rested),
  {
    reason: 'fixed-window',
    name: 'fixed window sold as bucket',
    needs: drained,
    create: (world) => new FixedWindow(world),
  },
  {
    reason: 'race',
    name: 'read-then-write',
    needs: (drawn) => ({ ...drained(drawn), hasLevels: true }),
    create: (world) => new NonAtomic(world),
  },
  {
    reason: 'regions-apart',
    name: 'a bucket for each region',
    needs: (drawn) => ({ ...apart(drawn), hasLevels: false, startShare: 0 }),
    create: (world) => new Regional(world, Number.POSITIVE_INFINITY),
  },
  {
    reason: 'whole-seconds',
    name: 'refill by whole seconds',
    needs: (drawn) => ({ ...sharp(drawn), policy: makePolicy(10, '5/s'), demand: 10 }),
    create: (world) => new OneState(world, wholeSeconds),
  },
  {
    reason: 'last-write',
    name: 'last write wins',
    needs: apart,
    create: (world) => new Regional(world, 3 * fillUs(world.policy)),
  },
];
