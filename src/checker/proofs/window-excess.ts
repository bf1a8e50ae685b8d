import type { BucketResult } from '../bucket-result.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { EdfTimeline } from './edf-timeline.ts';
import { refundedWithin } from './refund.ts';
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
