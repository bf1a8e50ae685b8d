import type { Policy } from '../../core/policy.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { type Refund, RefundSums } from './refund.ts';
import { excessOf, findWorstWindow } from './worst-window.ts';

/** The excess of a bucket's worst window beyond the refunds possible in it, in quanta; 0 if there is none. */
export function worstWindowQuanta(
  rows: BucketRows,
  machine: EdfTimeline,
  { bucket, refunds }: Pick<BucketResult, 'bucket' | 'refunds'>,
): number {
  rows.load(bucket);
  const window = findWorstWindow(rows, machine, RefundSums.of(refunds));
  if (window === undefined) return 0;
  return Math.max(0, excessOf(window));
}

/** A window, and how much more than its allowance it admitted, as a share of the allowance. */
export interface WindowShare {
  readonly share: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly excessQuanta: number;
  readonly allowanceQuanta: number;
}

/**
 * The window of the loaded bucket with the largest share, refunds possible in it subtracted; undefined if no share is
 * above `above`.
 *
 * Some window admitted more than its refunds and (1 + p) times its allowance exactly if EDF is late on a machine (1 + p) times as large
 * and fast. So each step raises p to the share of the latest window found, until none is late (Dinkelbach's method). The
 * result is the share of a real window: rounding in the search can miss a share that is larger in the last digits, and
 * never invents one. A claimed limit and a share are both rounded to the nearest number, which keeps their order.
 */
export function findWorstShare(
  rows: BucketRows,
  { policy, clock, refunds }: { policy: Policy; clock: ClockSlack; refunds: readonly Refund[] },
  above: number,
): WindowShare | undefined {
  const machine = new EdfTimeline(policy, clock);
  const sums = RefundSums.of(refunds);
  let found: WindowShare | undefined;
  for (let share = above; ; ) {
    const scaled = new EdfTimeline(policy, clock, 1 + share);
    const window = findWorstWindow(rows, scaled, sums);
    if (window === undefined) break;
    const { startUs, endUs, admittedQuanta, refundedQuanta } = window;
    const allowanceQuanta = machine.allowance(endUs - startUs);
    const excessQuanta = (admittedQuanta - refundedQuanta) / scaled.unit - allowanceQuanta;
    if (excessQuanta / allowanceQuanta <= share) break;
    share = excessQuanta / allowanceQuanta;
    found = { share, startUs, endUs, excessQuanta, allowanceQuanta };
  }
  return found;
}
