import type { Policy } from '../../core/policy.ts';
import { KIND } from '../../history/columns/table.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import type { Drop } from './drops.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { uncoveredDrops } from './over-admission.ts';
import type { ProofBudget } from './proof-budget.ts';
import { type Refund, RefundSums } from './refund.ts';

/** Only the last admissions are searched, since judging again takes time. */
const MOST_ROWS = 5_000;

export interface RefundedProof {
  readonly rows: BucketRows;
  /** False if the time ran out: some of the rows may not be needed. */
  readonly isSmallest: boolean;
}

/**
 * A smallest proof of over-admission with refunds. A refund excuses an admission of its size, and an admission of an
 * earlier window may have used it, so one window proves nothing. Admissions are removed, half of them at first, while the
 * rest is still more than any bucket could admit. Removing one can fill the bucket earlier, which voids refunds before
 * that, so all are tried again until none can go. Undefined if the last 5,000 admissions before `drop`, the admission
 * that was too many, do not prove it, or if the budget is used up first.
 */
export function proveDespiteRefunds(
  bucket: BucketRows,
  { policy, slack, refunds }: { policy: Policy; slack: ClockSlack; refunds: readonly Refund[] },
  drop: Drop,
  budget: ProofBudget,
): RefundedProof | undefined {
  const { table, byInvoked, count } = bucket;
  const machine = new EdfTimeline(policy, slack);
  const sums = RefundSums.of(refunds);
  const proves = (rows: readonly number[]) =>
    budget.mayJudge(rows.length + refunds.length)
      ? uncoveredDrops(BucketRows.of(table, rows), machine, sums).length > 0
      : undefined;
  let kept = [...byInvoked.subarray(0, count)]
    .filter(
      (row) =>
        ((table.kinds[row] as number) & KIND.outcome) === KIND.allowed &&
        table.lastUs(row) <= table.lastUs(drop.row),
    )
    .slice(-MOST_ROWS);
  if (!proves(kept)) return undefined;
  for (let size = Math.ceil(kept.length / 2); ; size = Math.ceil(size / 2)) {
    const before = kept.length;
    for (let start = 0; start < kept.length; ) {
      const rest = kept.toSpliced(start, size);
      const isProof = proves(rest);
      if (isProof === undefined) return { rows: BucketRows.of(table, kept), isSmallest: false };
      if (isProof) kept = rest;
      else start += size;
    }
    if (size <= 1 && kept.length === before) return { rows: BucketRows.of(table, kept), isSmallest: true };
  }
}
