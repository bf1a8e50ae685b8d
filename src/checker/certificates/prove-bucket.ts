import type { Policy } from '../../core/policy.ts';
import type { BucketDemands } from './bucket-demands.ts';
import type { BusyPeriod } from './busy-bucket.ts';
import { type Attempt, type Demands, ROLE, type Sink, START } from './demands.ts';
import { Schedule } from './schedule.ts';
import { TokenOrder } from './token-order.ts';

/** An order of the operations of one bucket to which an ideal bucket gives the recorded answers. */
export interface Proof {
  readonly demands: Demands;
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
  if (!demands.areMomentsWithin()) return undefined;
  const startQuanta = isStartFree ? findStart(demands, policy) : policy.capacityQuanta;
  for (const usesMaybes of [false, true]) {
    if (usesMaybes && !demands.order.some((row) => demands.roleOf(row) === ROLE.maybe)) break;
    const attempt = { startQuanta, isStartFree, holds: new Map(), usesMaybes };
    const early = search(demands, policy, attempt);
    if (early !== 'no place') {
      if (early !== undefined) return early;
      continue;
    }
    const ordered = search(new TokenOrder(demands, policy), policy, attempt);
    if (ordered !== undefined && ordered !== 'no place') return ordered;
  }
  return undefined;
}

/** Begins busy periods later until all denials are right. `no place`: some admission finds no tokens from the start. */
function search(demands: Demands, policy: Policy, from: Attempt): Proof | 'no place' | undefined {
  let attempt = from;
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const isPlaced = schedule.run(demands, policy, attempt);
    const { misses } = schedule;
    if (isPlaced && misses.size === 0) return { demands, attempt, firstQuanta: schedule.firstQuanta };
    if (!isPlaced && tries === 0) return 'no place';
    const next = isPlaced ? later(attempt, misses, policy, tries / (ATTEMPTS - 2)) : undefined;
    if (next === undefined) return undefined;
    attempt = next;
  }
  return undefined;
}

/** Repeats a proof and hands its operations to `sink`, in their order. */
export function replayProof({ demands, attempt }: Proof, policy: Policy, sink: Sink): void {
  schedule.run(demands, policy, attempt, sink);
}

/** The level at the first moment, by the first reply that shows one; a full bucket if none does. */
function findStart(demands: BucketDemands, policy: Policy): number {
  const { order } = demands;
  const first = order.find((row) => !Number.isNaN(demands.foundQuanta(row)));
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
  for (const miss of misses) {
    const found = beginningLater(miss);
    if (found === undefined) return undefined;
    const { first, firstUs, neededUs, possibleUs } = found;
    const moreUs = Number.isFinite(possibleUs) ? Math.floor((possibleUs - neededUs) * Math.min(1, share)) : 0;
    if (first === START) startQuanta -= (neededUs + moreUs) * policy.quantaPerUs;
    else holds.set(first, Math.max(holds.get(first) ?? 0, firstUs + neededUs + moreUs));
  }
  return startQuanta < 0 || (startQuanta < attempt.startQuanta && !attempt.isStartFree)
    ? undefined
    : { ...attempt, startQuanta, holds };
}

/** The period that must begin later: that of the miss, or one before it, so late that the bucket does not fill up again. */
function beginningLater(miss: BusyPeriod): BusyPeriod | undefined {
  let { neededUs } = miss;
  for (let period: BusyPeriod | undefined = miss; period !== undefined; period = period.previous) {
    if (period.possibleUs >= neededUs) return { ...period, neededUs };
    if (period.sparedUs < neededUs) return undefined;
    neededUs += period.fullForUs;
  }
  return undefined;
}
