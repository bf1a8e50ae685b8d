import { traitsOf } from '../core/strategies.ts';
import { isInCluster, planTopology } from '../topology/topology.ts';
import { HUNTED_FAULTS, type HuntedFault, type Places } from './draw-fault.ts';
import type { Ground } from './ground.ts';
import { timesOf } from './times.ts';

/** What a hunt draws its schedules from. */
export interface Space {
  readonly ground: Ground;
  readonly places: Places;
  /** The kinds of faults. */
  readonly faults: readonly HuntedFault[];
  /** By which the limiter and its cluster live, milliseconds. */
  readonly times: readonly number[];
  /** Of one schedule. */
  readonly mostFaults: number;
}

const MOST_FAULTS = 3;

/** The shortest and the longest loads, milliseconds. A schedule is small, so that many are run. */
export const DURATION_MS = { least: 4_000, most: 9_000 } as const;
export const RATE_PER_S = { least: 3, most: 45 } as const;
/** Of a load in which buckets rest, and are then drained: by so many requests of each user in a wave. */
export const WAVES = {
  users: { least: 2, most: 6 },
  ratePerUser: 0.8,
  requests: { least: 15, most: 60 },
  mostPerSecond: 1_000,
  mostMs: 14_000,
} as const;
export const MOST_USERS = 5;
/** From one peak to the next. */
export const EVERY_MS = { leastMs: 1_000, mostMs: 9_000 } as const;

/** What every load is within, steady or in waves: also one that a search changed. */
export const LIMITS = {
  users: { least: 1, most: Math.max(MOST_USERS, WAVES.users.most) },
  ratePerSecond: { least: 1, most: RATE_PER_S.most },
  durationMs: { least: EVERY_MS.leastMs, most: WAVES.mostMs },
  peakRatePerSecond: { least: WAVES.users.least * WAVES.requests.least, most: WAVES.mostPerSecond },
} as const;

/** The faults of `faultsOf`, at most three in a schedule, unless less is wanted. */
export function spaceOf(
  ground: Ground,
  { faults = faultsOf(ground), mostFaults = MOST_FAULTS }: Partial<Pick<Space, 'faults' | 'mostFaults'>> = {},
): Space {
  const { regions, nodes } = planTopology(ground.topology);
  return {
    ground,
    places: { regions, nodes, instances: ground.instances },
    faults,
    times: timesOf(ground),
    mostFaults,
  };
}

/** The kinds of faults that this ground can have, of those that a simulation has. */
export function faultsOf(ground: Ground): readonly HuntedFault[] {
  return HUNTED_FAULTS.filter((name) => name !== 'move-slots' || canMoveSlots(ground));
}

/** Slots move between the primaries of one Redis Cluster. */
function canMoveSlots({ strategy, limiter, topology }: Ground): boolean {
  const isApart = limiter === undefined && traitsOf(strategy).perRegionBucket;
  return !isApart && isInCluster(planTopology(topology));
}
