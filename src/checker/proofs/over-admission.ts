import type { Policy } from '../../core/policy.ts';
import { KIND } from '../../history/columns/table.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import { Headroom } from '../evidence/headroom.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Drops } from './drops.ts';
import { EdfTimeline, MachineTime } from './edf-timeline.ts';
import { oversized } from './oversized.ts';
import { coverByRefunds, type Refund, RefundSums } from './refund.ts';

/**
 * Over-admission of one bucket, exact.
 *
 * A token minted at time u can be spent during [u, u + C/r]: oldest first, and a full bucket overflows. An operation
 * admitted during [a, b] can therefore only spend tokens minted in [a - C/r, b]. So admissions are jobs of work `cost` on
 * a machine that makes r tokens a unit of time, with release a - C/r and deadline b, and divisible operations can be
 * explained exactly when preemptive earliest-deadline-first (EDF) meets every deadline. Two lower bounds follow, so a
 * correct limiter is never accused:
 *   total excess  the work that EDF leaves undone when it drops a job at its deadline;
 *   worst window  r times the largest lateness of EDF without dropping: the largest excess over C + r(e - s)
 *                 of what was admitted wholly inside one window [s, e].
 *
 * The unit of time is 1/r: the time in which one quantum is minted. Work and time are then both integers, and
 * `edf-timeline.ts` keeps them exact, however long a bucket is busy.
 *
 * What one admission takes beyond C is excess, whatever its interval: see `oversized.ts`. EDF serves the rest of it.
 *
 * Refunds add tokens. Two lower bounds of the total excess follow, and the larger one counts. Refunds pay for the work
 * that EDF leaves undone, each once: see `refund.ts`. And refunds are minted at once: see `MachineTime`. This one is exact
 * if each refund has one moment, and is at least the excess of each window. A reset is a refund of one capacity.
 */
export interface OverAdmission {
  /** A lower bound of the quanta admitted beyond any ideal bucket. */
  readonly totalExcessQuanta: number;
  /** The operations that EDF could not serve in full, in the order of their deadlines. */
  readonly drops: Drops;
  /** How many more quanta could have been admitted unseen; 0 if an excess was seen. */
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
  const machine = new EdfTimeline(policy, slack);
  const sums = RefundSums.of(refunds);
  const headroom = new Headroom(bucket.table, machine.burst, sums);
  const uncovered = uncoveredDrops(bucket, machine, sums, headroom);
  return {
    totalExcessQuanta: uncovered.totalQuanta,
    drops: uncovered,
    headroomQuanta: uncovered.length > 0 ? 0 : headroom.leastQuanta,
  };
}

/** Whether more was admitted than any ideal bucket could have admitted. */
export function isOverAdmitted(
  bucket: BucketRows,
  policy: Policy,
  slack: ClockSlack,
  refunds: readonly Refund[],
): boolean {
  return uncoveredDrops(bucket, new EdfTimeline(policy, slack), RefundSums.of(refunds)).length > 0;
}

/** The drops of the lower bound that is larger, and what single admissions took beyond the capacity. */
export function uncoveredDrops(
  bucket: BucketRows,
  machine: EdfTimeline,
  refunds: RefundSums | undefined,
  headroom?: Headroom,
): Drops {
  const beyond = oversized(bucket, machine);
  const mostQuanta = beyond.length > 0 ? machine.full : Number.POSITIVE_INFINITY;
  const drops = unpaidDrops(bucket, machine, { refunds, headroom, mostQuanta });
  return beyond.length === 0 ? drops : Drops.merge(bucket.table, drops, beyond);
}

interface Served {
  readonly refunds?: RefundSums | undefined;
  readonly headroom?: Headroom | undefined;
  /** The most work of one job. */
  readonly mostQuanta: number;
}

function unpaidDrops(
  bucket: BucketRows,
  machine: EdfTimeline,
  { refunds, headroom, mostQuanta }: Served,
): Drops {
  const drops = runDroppingEdf(bucket, new MachineTime(machine), { headroom, mostQuanta });
  if (refunds === undefined || drops.length === 0) return drops;
  const unpaid = Drops.of(coverByRefunds(drops, refunds.all, ({ row }) => bucket.table.lastUs(row)));
  const unserved = runDroppingEdf(bucket, new MachineTime(machine, refunds), { mostQuanta });
  return unpaid.totalQuanta >= unserved.totalQuanta ? unpaid : unserved;
}

/**
 * Serves jobs by deadline, and drops them there. Ready jobs are served until the release of the next job, and after the
 * last release until none is left. Each step is the least of the job's remaining work, the time to that release and the
 * time to the deadline. So it ends the job or is the last before that release, and the loop ends. One loop, since it is
 * the hottest code of the checker.
 */
function runDroppingEdf(
  { table, byInvoked, count }: BucketRows,
  time: MachineTime,
  { headroom, mostQuanta }: Omit<Served, 'refunds'>,
): Drops {
  const { invokedUs, kinds, costTokens } = table;
  const drops = new Drops();
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
    const quanta = (costTokens[row] as number) * time.quantaPerToken;
    heap.push(table.lastUs(row), Math.min(quanta, mostQuanta), row);
  }
  return drops;
}
