import { MOST_REGIONS } from '../topology/regions.ts';

/** The defaults of a run, for scenarios and flags; those of the topology are in `DEFAULT_TOPOLOGY`. */
export const DEFAULT_SEED = 1;

export const DEFAULT_POLICY = '20:5/s';

export const DEFAULT_LOAD = {
  connections: 1_000,
  users: 200,
  skew: 0.7,
  roaming: 'auto',
  cost: 1,
  rampMs: 2_000,
  durationMs: 20_000,
} as const;

/** For users who rest, in `bench` and in scenarios with `load.resting`. */
export const DEFAULT_RESTING = { share: 0.1, burstMs: 500 } as const;

/** The least and the greatest values of numbers, the same in files and flags. */
export const LIMITS = {
  connections: [1, 10_000],
  processes: [1, MOST_REGIONS],
  rate: [0.1, 1_000_000],
  users: [1, 10_000_000],
  skew: [0, 5],
  share: [0, 1],
  sample: [0.000_001, 0.999_999],
  instances: [1, 20],
} as const;

/** The users of a load that is not simulated: each of its processes holds them as objects. */
export const MOST_SENT_USERS = 1_000_000;

const MOST_MS = 3_600_000;

/** The same for times. */
export const TIMES = {
  ramp: { leastMs: 0, mostMs: MOST_MS },
  warmUp: { leastMs: 0, mostMs: 60_000 },
  duration: { leastMs: 100, mostMs: MOST_MS },
  rest: { leastMs: 1, mostMs: MOST_MS },
  delay: { leastMs: 0, mostMs: 10_000 },
  nodeTimeout: { leastMs: 100, mostMs: 600_000 },
} as const;
