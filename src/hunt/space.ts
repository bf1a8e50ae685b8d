import { planTopology } from '../topology/topology.ts';
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

/** All faults that a simulation has, at most three in a schedule, unless less is wanted. */
export function spaceOf(
  ground: Ground,
  { faults = HUNTED_FAULTS, mostFaults = MOST_FAULTS }: Partial<Pick<Space, 'faults' | 'mostFaults'>> = {},
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
