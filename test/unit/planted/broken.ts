import { makePolicy } from '../../../src/core/policy.ts';
import {
  backwardRefills,
  belowZero,
  clocked,
  costIgnored,
  denialCharges,
  earlyExpiry,
  floatDrift,
  floorDrops,
  OneState,
  offByOne,
  type Step,
  skewedClients,
  unlimitedRefill,
  wholeSeconds,
} from './broken-steps.ts';
import {
  ChargesRetries,
  FixedWindow,
  LaggingReplica,
  LongDenyCache,
  NonAtomic,
  Regional,
  Unacked,
} from './broken-structures.ts';
import { Grants, leaseUs } from './correct.ts';
import { deciding, EPOCH_US, fillUs, type Specimen } from './limiter.ts';
import type { Circumstances } from './workload.ts';

const simple = (name: string, step: Step, needs?: Specimen['needs']): Specimen => ({
  name,
  create: (world) => new OneState(world, step),
  ...(needs === undefined ? {} : { needs }),
});

/** The reasons that name these bugs; for the others there is none. */
const REASONS: Readonly<Record<string, string>> = {
  'off by one at the limit': 'one-too-many',
  'denial charges': 'charged-denials',
  'whole-second clock': 'whole-seconds',
  'TTL too early': 'forgotten',
  'non-atomic get-then-set': 'race',
  'failover loses the last writes': 'lost-decisions',
  'two regions each with a full bucket': 'regions-apart',
  'fixed window instead of bucket': 'fixed-window',
  'counters merged by last write': 'last-write',
  'float drift': 'rounded-levels',
  'floor that drops fractions': 'dropped-fractions',
  'a new bucket starts empty': 'starts-empty',
  'client clock skew between regions': 'region-clocks',
  'clock going back refills': 'backward-refill',
  'refill beyond capacity': 'beyond-capacity',
  'cost ignored': 'cost-ignored',
  'level below zero': 'level-below-zero',
};

const twoRegions = (drawn: Circumstances): Circumstances => ({ ...drawn, regions: 2, demand: 4 });
const busy = (drawn: Circumstances): Circumstances => ({ ...drawn, demand: 4 });
const retried = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  lossRate: 0.2,
  retryRate: 1,
  knownRate: 1,
});
const costly = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  policy: drawn.policy.capacityTokens < 3 ? makePolicy(10, drawn.policy.refill) : drawn.policy,
  mostCost: 3,
});
const slowlyFilled = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  policy: makePolicy(10, '5/s'),
});

const BUGS: readonly Specimen[] = [
  simple('off by one at the limit', offByOne, busy),
  simple('denial charges', denialCharges, busy),
  simple('float drift', floatDrift, (drawn) => ({ ...busy(drawn), hasLevels: true })),
  simple('whole-second clock', wholeSeconds, slowlyFilled),
  simple('floor that drops fractions', floorDrops, busy),
  simple('TTL too early', earlyExpiry, (drawn) => ({ ...drawn, demand: 1.5 })),
  {
    name: 'a new bucket starts empty',
    needs: (drawn) => ({ ...drawn, startShare: 0 }),
    create: (world) =>
      new OneState(
        world,
        clocked(({ nowUs }) => nowUs),
        { levelQuanta: 0, updatedAtUs: EPOCH_US },
      ),
  },
  { name: 'non-atomic get-then-set', needs: busy, create: (world) => new NonAtomic(world) },
  simple('client clock skew between regions', skewedClients, twoRegions),
  simple('clock going back refills', backwardRefills, busy),
  { name: 'retry charges twice', needs: retried, create: ({ policy }) => new ChargesRetries(policy) },
  {
    name: 'failover loses the last writes',
    failovers: true,
    needs: (drawn) => ({ ...busy(drawn), hasLevels: true }),
    create: (world) => new Unacked(world),
  },
  { name: 'reads from a lagging replica', needs: busy, create: (world) => new LaggingReplica(world) },
  {
    name: 'two regions each with a full bucket',
    needs: twoRegions,
    create: (world) => new Regional(world, Number.POSITIVE_INFINITY),
  },
  { name: 'fixed window instead of bucket', needs: busy, create: (world) => new FixedWindow(world) },
  simple('refill beyond capacity', unlimitedRefill, (drawn) => ({ ...drawn, demand: 0.5 })),
  simple('cost ignored', costIgnored, costly),
  simple('level below zero', belowZero, costly),
  { name: 'deny cache that outlives the refill', needs: busy, create: (world) => new LongDenyCache(world) },
  {
    name: 'lease not subtracted',
    needs: twoRegions,
    splits: true,
    create: (world) => new Grants(world, leaseUs(world), 'not subtracted'),
  },
  {
    name: 'lease spent after expiry',
    needs: (drawn) => ({ ...drawn, demand: 0.5, regions: 2 }),
    splits: true,
    create: (world) => new Grants(world, fillUs(world.policy), 'spent after expiry'),
  },
  {
    name: 'counters merged by last write',
    needs: twoRegions,
    create: (world) => new Regional(world, 3 * fillUs(world.policy)),
  },
];

/** Defects that decisions alone do not show, and those of limiters whose replies say no level. */
const SHOWN_BY: Readonly<Record<string, Specimen['shownBy']>> = {
  'float drift': 'levels',
  'whole-second clock': 'levels',
  'TTL too early': 'levels',
  'non-atomic get-then-set': 'levels',
  'client clock skew between regions': 'levels',
  'clock going back refills': 'ordered levels',
  'failover loses the last writes': 'levels',
  'counters merged by last write': 'levels',
  'fixed window instead of bucket': 'decisions',
};

/** Limiters each broken in one known way. */
export const BROKEN: readonly Specimen[] = BUGS.map((specimen) => {
  const [reason, shownBy] = [REASONS[specimen.name], SHOWN_BY[specimen.name]];
  const isOnce = specimen.failovers !== true && specimen.name !== 'retry charges twice';
  return {
    ...specimen,
    ...(isOnce && { create: (world) => deciding(specimen.create(world)) }),
    ...(reason !== undefined && { reason }),
    ...(shownBy !== undefined && { shownBy }),
  };
});
