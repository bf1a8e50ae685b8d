import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import { BucketRows } from './bucket-rows.ts';
import type { ClockSlack } from './clock.ts';
import type { Drop } from './drops.ts';
import { isOverAdmitted } from './over-admission.ts';
import type { ProofBudget } from './proof-budget.ts';
import type { Refund } from './refund.ts';

/** So many of the last admissions are looked at: leaving out and judging again takes its time. */
const MOST_ROWS = 5_000;

export interface RefundedProof {
  readonly rows: BucketRows;
  /** Not where the time for it was over: then some of them may not be needed. */
  readonly isSmallest: boolean;
}

/**
 * A smallest proof of over-admission where there were refunds: these may be used up by an earlier window, so that no
 * single one proves it. Admissions are left out, half of them at first, as long as the rest is still more than any bucket
 * could have admitted. Leaving one out can end a busy period, and with it what refunds excuse: so each is tried again until
 * none is left out. Undefined when the last 5,000 before the drop do not prove it, or no time is left to see whether they do.
 */
export function proveDespiteRefunds(
  bucket: BucketRows,
  { policy, slack, refunds }: { policy: Policy; slack: ClockSlack; refunds: readonly Refund[] },
  drop: Drop,
  budget: ProofBudget,
): RefundedProof | undefined {
  const { table, byInvoked, count } = bucket;
  const isGuilty = (rows: readonly number[]) =>
    budget.mayJudge(rows.length + refunds.length)
      ? isOverAdmitted(BucketRows.of(table, rows), policy, slack, refunds)
      : undefined;
  let kept = [...byInvoked.subarray(0, count)]
    .filter(
      (row) =>
        ((table.kinds[row] as number) & KIND.outcome) === KIND.allowed &&
        table.lastUs(row) <= table.lastUs(drop.row),
    )
    .slice(-MOST_ROWS);
  if (!isGuilty(kept)) return undefined;
  for (let size = Math.ceil(kept.length / 2); ; size = Math.ceil(size / 2)) {
    const before = kept.length;
    for (let start = 0; start < kept.length; ) {
      const rest = kept.toSpliced(start, size);
      const isProof = isGuilty(rest);
      if (isProof === undefined) return { rows: BucketRows.of(table, kept), isSmallest: false };
      if (isProof) kept = rest;
      else start += size;
    }
    if (size <= 1 && kept.length === before) return { rows: BucketRows.of(table, kept), isSmallest: true };
  }
}
