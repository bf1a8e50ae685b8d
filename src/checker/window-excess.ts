import type { BucketResult } from './bucket-result.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { Machine } from './machine.ts';
import { refundedWithin } from './refund.ts';
import { findWorstWindow } from './window.ts';

/** By how many quanta the worst window of a bucket is exceeded, beyond what refunds can have given back; 0 by none. */
export function worstWindowQuanta(rows: BucketRows, machine: Machine, result: BucketResult): number {
  rows.load(result.bucket);
  const window = findWorstWindow(rows, machine);
  if (window === undefined) return 0;
  return (
    window.admittedQuanta -
    window.allowanceQuanta -
    refundedWithin(result.refunds, window.startUs, window.endUs)
  );
}
