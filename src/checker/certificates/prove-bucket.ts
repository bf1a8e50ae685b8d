import type { Policy } from '../../core/policy.ts';
import type { BucketDemands } from './bucket-demands.ts';
import type { BusyPeriod } from './busy-bucket.ts';
import { type Attempt, type Sink, START } from './demands.ts';
import { Schedule } from './schedule.ts';

/** An order of the operations of one bucket to which an ideal bucket gives the recorded answers. */
export interface Proof {
  readonly attempt: Attempt;
  /** The level before the first operation. */
  readonly firstQuanta: number;
}

/** The attempts with other beginnings of busy periods, for each use of unknown charges. */
const ATTEMPTS = 4;

const schedule = new Schedule();

/** Searches for a proof; undefined if none was found, though there may be one. */
export function proveBucket(
  demands: BucketDemands,
  policy: Policy,
  { isStartFree }: { readonly isStartFree: boolean },
): Proof | undefined {
  for (let at = 0; at < demands.count; at++)
    if (!demands.isWithin(demands.order[at] as number)) return undefined;
  const startQuanta = isStartFree ? findStart(demands, policy) : policy.capacityQuanta;
  for (const usesMaybes of [false, true]) {
    let attempt: Attempt = { startQuanta, isStartFree, holds: new Map(), usesMaybes };
    for (let tries = 0; tries < ATTEMPTS; tries++) {
      const isPlaced = schedule.run(demands, policy, attempt);
      const { misses } = schedule;
      if (isPlaced && misses.size === 0) return { attempt, firstQuanta: schedule.firstQuanta };
      const next = isPlaced ? later(attempt, misses, policy, tries / (ATTEMPTS - 2)) : undefined;
      if (next === undefined) break;
      attempt = next;
    }
  }
  return undefined;
}

/** Repeats a proof and hands its operations to `sink`, in their order. */
export function replayProof(demands: BucketDemands, policy: Policy, { attempt }: Proof, sink: Sink): void {
  schedule.run(demands, policy, attempt, sink);
}

/** The level at the first moment, by the first reply that shows one; a full bucket if none does. */
function findStart(demands: BucketDemands, policy: Policy): number {
  const { order, count } = demands;
  const first = order.subarray(0, count).find((row) => !Number.isNaN(demands.foundQuanta(row)));
  if (first === undefined) return policy.capacityQuanta;
  const elapsedUs = demands.fromUs(first) - demands.fromUs(order[0] as number);
  const found = Math.min(policy.capacityQuanta, demands.foundQuanta(first));
  return elapsedUs >= found / policy.quantaPerUs ? 0 : found - elapsedUs * policy.quantaPerUs;
}

/**
 * An attempt in which the busy periods of the misses begin later; undefined if their admissions do not allow it.
 * `share`: of what the admissions allow beyond what is needed.
 */
function later(
  attempt: Attempt,
  misses: Iterable<BusyPeriod>,
  policy: Policy,
  share: number,
): Attempt | undefined {
  const holds = new Map(attempt.holds);
  let { startQuanta } = attempt;
  for (const { first, firstUs, neededUs, possibleUs } of misses) {
    if (possibleUs < neededUs) return undefined;
    const moreUs = Number.isFinite(possibleUs) ? Math.floor((possibleUs - neededUs) * Math.min(1, share)) : 0;
    if (first === START) startQuanta -= (neededUs + moreUs) * policy.quantaPerUs;
    else holds.set(first, firstUs + neededUs + moreUs);
  }
  return startQuanta < 0 || (startQuanta < attempt.startQuanta && !attempt.isStartFree)
    ? undefined
    : { ...attempt, startQuanta, holds };
}
