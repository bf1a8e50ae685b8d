import { OpenclawError } from '../core/errors.ts';
import { traitsOf } from '../core/strategies.ts';
import { faultSchema } from '../scenario/faults/index.ts';
import { makePlan } from '../scenario/make-plan.ts';
import type { LoadPlan, Plan, PlannedFault } from '../scenario/plan.ts';
import { faultOf, fullScenarioOf, type ScenarioDocument } from '../scenario/to-document.ts';
import { claimOf, type Ground } from './ground.ts';

/** The parts of a plan that a hunt changes. Times are whole milliseconds, so that a file has them exactly. */
export interface Schedule {
  readonly seed: number;
  readonly load: HuntedLoad;
  /** In the order of their times. */
  readonly faults: readonly PlannedFault[];
}

/** An open load. */
export type HuntedLoad = Pick<
  LoadPlan,
  'users' | 'durationMs' | 'roaming' | 'skew' | 'costs' | 'resting' | 'peaks'
> & { readonly ratePerSecond: number };

/** The most requests in flight: more than a load of a hunt sends within the timeout of a request. */
const CONNECTIONS = 400;

/** A request or two on each connection, which open those of the services; their replies are awaited. */
const WARM_UP_MS = 10;
/** Regions with buckets of their own declare a bound once each has heard of the others. */
const HEARD_MS = 1_000;

/** The plan of a schedule, checked as that of a file. Throws INVALID_SCENARIO if a check refuses it. */
export function planOf(ground: Ground, schedule: Schedule, name = nameOf(ground)): Plan {
  const { above: _, limiter, ...fixed } = ground;
  const { seed, load, faults } = schedule;
  const warmUpMs = traitsOf(fixed.strategy).perRegionBucket ? HEARD_MS : WARM_UP_MS;
  return makePlan(
    {
      ...{ ...fixed, ...(limiter !== undefined && { limiter }), seed, claims: [claimOf(ground)] },
      load: { ...load, mode: 'open', connections: CONNECTIONS, rampMs: 0, warmUpMs },
      faults: faults.map(({ atMs, forMs, ...fault }) => ({
        ...{ ...fault, at: { least: atMs, most: atMs }, for: { least: forMs, most: forMs } },
      })),
    },
    { scenario: name, about: `A hunt for excess of ${fixed.strategy} found this schedule.` },
  );
}

/** Whether the checks of a scenario file accept the schedule. */
export function isPossible(ground: Ground, schedule: Schedule): boolean {
  if (!schedule.faults.every((fault) => faultSchema.safeParse(faultOf(fault)).success)) return false;
  try {
    planOf(ground, schedule);
    return true;
  } catch (error) {
    if (error instanceof OpenclawError) return false;
    throw error;
  }
}

/** The file of a schedule: the same plan, so the same history when it is simulated. `name`: without `.yaml`. */
export function scenarioOf(ground: Ground, schedule: Schedule, name = nameOf(ground)): ScenarioDocument {
  return fullScenarioOf(planOf(ground, schedule, name));
}

function nameOf({ strategy, limiter }: Ground): string {
  return `hunt-${limiter === undefined ? strategy : 'plugin'}`;
}
