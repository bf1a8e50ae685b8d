import type { Policy } from '../../core/policy.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { type Refund, refundedWithin } from './refund.ts';
import { findWorstWindow } from './worst-window.ts';

/** The excess of a bucket's worst window beyond the refunds possible in it, in quanta; 0 if there is none. */
export function worstWindowQuanta(rows: BucketRows, machine: EdfTimeline, result: BucketResult): number {
  rows.load(result.bucket);
  const window = findWorstWindow(rows, machine);
  if (window === undefined) return 0;
  return (
    window.admittedQuanta -
    window.allowanceQuanta -
    refundedWithin(result.refunds, window.startUs, window.endUs)
  );
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
 * Some window admitted more than (1 + p) times its allowance exactly if EDF is late on a machine (1 + p) times as large
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
  let found: WindowShare | undefined;
  for (let share = above; ; ) {
    const scaled = new EdfTimeline(policy, clock, 1 + share);
    const window = findWorstWindow(rows, scaled);
    if (window === undefined) break;
    const { startUs, endUs } = window;
    const allowanceQuanta = machine.allowance(endUs - startUs);
    const excessQuanta = window.admittedQuanta / scaled.unit - allowanceQuanta;
    if (excessQuanta / allowanceQuanta <= share) break;
    share = excessQuanta / allowanceQuanta;
    found = { share, startUs, endUs, excessQuanta, allowanceQuanta };
  }
  if (found === undefined || refunds.length === 0) return found;
  const excessQuanta = found.excessQuanta - refundedWithin(refunds, found.startUs, found.endUs);
  const share = excessQuanta / found.allowanceQuanta;
  return share > above ? { ...found, share, excessQuanta } : undefined;
}
