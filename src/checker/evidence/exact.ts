import type { Policy } from '../../core/policy.ts';
import { KIND } from '../../history/columns/table.ts';
import type { Refund } from '../proofs/refund.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';

/**
 * Runs an ideal bucket over the allowed and denied operations and the refunds, in the order of completion. `admit` gets
 * what it admits. A refund without a known end counts from its start.
 */
export function runExact(
  bucket: BucketRows,
  policy: Policy,
  admit: (row: number) => void,
  refunds: readonly Refund[] = [],
): void {
  const { table } = bucket;
  bucket.loadByLast();
  let level = policy.capacityQuanta;
  let levelUs = Number.NEGATIVE_INFINITY;
  const returned = refunds
    .map(({ fromUs, lastUs, quanta }) => ({ atUs: Number.isFinite(lastUs) ? lastUs : fromUs, quanta }))
    .sort((a, b) => a.atUs - b.atUs);
  let next = 0;
  const toFullUs = policy.capacityQuanta / policy.quantaPerUs;
  for (let at = 0; at < bucket.lastCount; at++) {
    const row = bucket.byLast[at] as number;
    if (((table.kinds[row] as number) & KIND.outcome) === KIND.info) continue;
    const nowUs = table.lastUs(row);
    const elapsedUs = nowUs - levelUs;
    level =
      elapsedUs >= toFullUs
        ? policy.capacityQuanta
        : Math.min(policy.capacityQuanta, level + elapsedUs * policy.quantaPerUs);
    levelUs = nowUs;
    for (let refund = returned[next]; refund !== undefined; refund = returned[++next]) {
      if (refund.atUs > nowUs) break;
      level = Math.min(policy.capacityQuanta, level + refund.quanta);
    }
    const quanta = (table.costTokens[row] as number) * policy.quantaPerToken;
    if (quanta > level) continue;
    level -= quanta;
    admit(row);
  }
}
