import type { OperationTable } from '../history/table.ts';
import { countWhile } from './order.ts';
import type { Refund } from './refund.ts';

/**
 * How much more a bucket could have admitted without being seen: the least, over all windows [s, e], of what is allowed
 * there, C + r(e - s) with the clock grant and the refunds that can fall into it, minus the cost admitted wholly inside.
 *
 * A window that starts at the invocation of one job and ends at the last moment of another holds the jobs of some set J:
 *   allowed - admitted = deadline(J) - release(J) - work(J)      (the time of the machine is in quanta)
 * and preemptive EDF minimises the maximum lateness, which is the maximum of release(J) + work(J) - deadline(J) over all
 * sets of jobs, also when it is below zero. So the least of these is the least of (deadline - completion) over the jobs
 * that EDF serves. A window in which nothing was admitted allows one burst.
 */
export class Headroom {
  /** Quanta. */
  leastQuanta: number;
  readonly #table: OperationTable;
  readonly #refunds: RefundsWithin | undefined;
  #undoneFromUs = 0;
  #undoneQuanta = 0;

  constructor(table: OperationTable, burstQuanta: number, refunds: readonly Refund[]) {
    this.leastQuanta = burstQuanta;
    this.#table = table;
    this.#refunds = refunds.length === 0 ? undefined : new RefundsWithin(refunds);
  }

  /** EDF completed the job of this row so much before its deadline, less than any before, in the busy period that began at `busyFromUs`. */
  served(spareQuanta: number, row: number, busyFromUs: number): void {
    this.leastQuanta = Math.min(this.leastQuanta, spareQuanta + this.#refundsLeft(row, busyFromUs));
  }

  /** EDF dropped the job of this row with so much work undone: refunds have to pay for it. */
  dropped(undoneQuanta: number, row: number, busyFromUs: number): void {
    if (this.#undoneFromUs !== busyFromUs) this.#undoneQuanta = 0;
    this.#undoneFromUs = busyFromUs;
    this.#undoneQuanta += undoneQuanta;
    this.leastQuanta = Math.min(this.leastQuanta, Math.max(0, this.#refundsLeft(row, busyFromUs)));
  }

  /** What can have been given back since the busy period began and before this row was over, less what was undone in it. */
  #refundsLeft(row: number, busyFromUs: number): number {
    if (this.#refunds === undefined) return 0;
    const undone = this.#undoneFromUs === busyFromUs ? this.#undoneQuanta : 0;
    return this.#refunds.within(busyFromUs, this.#table.lastUs(row)) - undone;
  }
}

/** Refunds, to be asked how much of them can have happened in a span. */
class RefundsWithin {
  readonly #begins: Steps;
  readonly #ends: Steps;

  constructor(refunds: readonly Refund[]) {
    this.#begins = new Steps(refunds.map(({ fromUs, quanta }) => [fromUs, quanta]));
    this.#ends = new Steps(refunds.map(({ lastUs, quanta }) => [lastUs, quanta]));
  }

  within(startUs: number, endUs: number): number {
    return this.#begins.sum((us) => us <= endUs) - this.#ends.sum((us) => us < startUs);
  }
}

/** Sums of amounts up to some time. */
class Steps {
  readonly #times: readonly number[];
  readonly #sums: readonly number[];

  constructor(steps: readonly (readonly [us: number, quanta: number])[]) {
    const sorted = steps.toSorted(([a], [b]) => (a === b ? 0 : a - b)); // Infinity minus itself is not a number
    let sum = 0;
    this.#times = sorted.map(([us]) => us);
    this.#sums = [0, ...sorted.map(([, quanta]) => (sum += quanta))];
  }

  sum(holds: (us: number) => boolean): number {
    return this.#sums[countWhile(this.#times, this.#times.length, holds)] ?? 0;
  }
}
