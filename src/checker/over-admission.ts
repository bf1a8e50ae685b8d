import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockSlack } from './clock.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Drops } from './drops.ts';
import { Headroom } from './headroom.ts';
import { Machine, MachineTime } from './machine.ts';
import { coverByRefunds, type Refund } from './refund.ts';

/**
 * Over-admission of one bucket, exact.
 *
 * A token born at time u can be spent during [u, u + C/r]: oldest first, and a full bucket overflows. An
 * operation admitted during [a, b] can therefore only spend tokens born in [a - C/r, b]. So admissions are
 * jobs of work `cost` on a machine that makes r tokens a unit of time, with release a - C/r and deadline b,
 * and divisible operations can be explained exactly when preemptive earliest-deadline-first (EDF) meets every
 * deadline. Two lower bounds follow, so a correct limiter is never accused:
 *   total excess  the work EDF leaves undone when it drops a job at its deadline;
 *   worst window  r times the largest lateness of EDF without dropping: the largest excess over C + r(e - s)
 *                 of what was admitted wholly inside one window [s, e].
 *
 * The unit of time is 1/r: the time in which one quantum is born. Work and time are then both integers,
 * and `machine.ts` keeps them exact however long a bucket is busy.
 *
 * Refunds add tokens, and pay for what EDF leaves undone: see `refund.ts`. A reset is a refund of one capacity.
 */
export interface OverAdmission {
  /** Quanta admitted beyond any ideal bucket, the least possible. */
  readonly totalExcessQuanta: number;
  /** Which operations EDF could not serve in full, in the order of their deadlines. */
  readonly drops: Drops;
  /** How many more could have been admitted without being seen; 0 where some were seen. */
  readonly headroomQuanta: number;
}

const heap = new DeadlineHeap();

/** Judges the admissions of one bucket. O(n log n). `refunds` in the order of time. */
export function findOverAdmission(
  bucket: BucketRows,
  policy: Policy,
  slack: ClockSlack,
  refunds: readonly Refund[] = [],
): OverAdmission {
  const machine = new Machine(policy, slack);
  const headroom = new Headroom(bucket.table, machine.burst, refunds);
  const uncovered = uncoveredDrops(bucket, machine, refunds, headroom);
  return {
    totalExcessQuanta: uncovered.totalQuanta,
    drops: uncovered,
    headroomQuanta: uncovered.length > 0 ? 0 : headroom.leastQuanta,
  };
}

/** Whether more was admitted than any ideal bucket could have. */
export function isOverAdmitted(
  bucket: BucketRows,
  policy: Policy,
  slack: ClockSlack,
  refunds: readonly Refund[],
): boolean {
  return uncoveredDrops(bucket, new Machine(policy, slack), refunds).length > 0;
}

function uncoveredDrops(
  bucket: BucketRows,
  machine: Machine,
  refunds: readonly Refund[],
  headroom?: Headroom,
): Drops {
  const drops = runDroppingEdf(bucket, machine, headroom);
  return refunds.length === 0 ? drops : Drops.of(coverByRefunds(bucket.table, drops, refunds));
}

/**
 * Serves jobs by deadline, and drops them there. What is ready is served until the release of the next job; after the
 * last one, until nothing is left. Each step is the least of what is left of the job, the time to that release and the
 * time to the deadline: it ends the job, or it is the last before that release, so this ends. One loop, since it is the
 * hottest of the checker.
 */
function runDroppingEdf(
  { table, byInvoked, count }: BucketRows,
  machine: Machine,
  headroom: Headroom | undefined,
): Drops {
  const { invokedUs, kinds, costTokens } = table;
  const drops = new Drops();
  const time = new MachineTime(machine);
  let busyFromUs = 0;
  heap.size = 0;
  for (let at = 0; at <= count; at++) {
    const row = at < count ? (byInvoked[at] as number) : 0;
    if (at < count && ((kinds[row] as number) & KIND.outcome) !== KIND.allowed) continue;
    const us = at < count ? (invokedUs[row] as number) : Number.POSITIVE_INFINITY;
    let toRelease = heap.size === 0 ? 0 : time.untilRelease(us);
    while (toRelease > 0) {
      const work = heap.works[0] as number;
      const toDeadline = Math.max(0, time.untilDeadline(heap.deadlines[0] as number));
      const step = Math.min(toRelease, work, toDeadline);
      time.advance(step);
      toRelease -= step;
      if (step === work) {
        if (headroom !== undefined && toDeadline - step < headroom.leastQuanta)
          headroom.served(toDeadline - step, heap.rows[0] as number, busyFromUs);
      } else if (step === toDeadline) {
        drops.add(heap.rows[0] as number, work - step, busyFromUs);
        headroom?.dropped(work - step, heap.rows[0] as number, busyFromUs);
      } else {
        heap.works[0] = work - step;
        break;
      }
      heap.pop();
      if (heap.size === 0) break;
    }
    if (at === count) break;
    if (heap.size === 0) {
      time.waitFor(us);
      busyFromUs = us;
    }
    heap.push(table.lastUs(row), (costTokens[row] as number) * machine.quantaPerToken, row);
  }
  return drops;
}
