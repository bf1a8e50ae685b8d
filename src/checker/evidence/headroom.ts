import type { OperationTable } from '../../history/columns/table.ts';
import type { RefundSums } from '../proofs/refund.ts';

/**
 * How much more a bucket could have admitted unseen: the least, over all windows [s, e], of what is allowed there, C +
 * r(e - s) with the clock grant and the refunds possible in it, minus the cost admitted wholly inside.
 *
 * A window from the invocation of one job to the last moment of another holds the jobs of some set J, with the machine's
 * time in quanta:
 *   allowed - admitted = deadline(J) - release(J) - work(J)
 * Preemptive EDF minimizes the maximum lateness, which is the maximum of release(J) + work(J) - deadline(J) over all sets
 * of jobs, also below zero. So the least headroom is the least of (deadline - completion) over the jobs that EDF serves.
 * A window without admissions allows one burst.
 */
export class Headroom {
  /** Quanta. */
  leastQuanta: number;
  readonly #table: OperationTable;
  readonly #refunds: RefundSums | undefined;
  #undoneFromUs = 0;
  #undoneQuanta = 0;

  constructor(table: OperationTable, burstQuanta: number, refunds: RefundSums | undefined) {
    this.leastQuanta = burstQuanta;
    this.#table = table;
    this.#refunds = refunds;
  }

  /**
   * EDF completed the job of this row `spareQuanta` before its deadline, the closest so far, in the busy period from
   * `busyFromUs`.
   */
  served(spareQuanta: number, row: number, busyFromUs: number): void {
    this.leastQuanta = Math.min(this.leastQuanta, spareQuanta + this.#refundsLeft(row, busyFromUs));
  }

  /** EDF dropped the job of this row with `undoneQuanta` of its work undone; refunds have to pay for them. */
  dropped(undoneQuanta: number, row: number, busyFromUs: number): void {
    if (this.#undoneFromUs !== busyFromUs) this.#undoneQuanta = 0;
    this.#undoneFromUs = busyFromUs;
    this.#undoneQuanta += undoneQuanta;
    this.leastQuanta = Math.min(this.leastQuanta, Math.max(0, this.#refundsLeft(row, busyFromUs)));
  }

  /** The refunds possible from the start of the busy period to the end of this row, minus the undone work of the period. */
  #refundsLeft(row: number, busyFromUs: number): number {
    if (this.#refunds === undefined) return 0;
    const undone = this.#undoneFromUs === busyFromUs ? this.#undoneQuanta : 0;
    return this.#refunds.within(busyFromUs, this.#table.lastUs(row)) - undone;
  }
}
