import type { Policy } from '../../../core/policy.ts';
import { KIND } from '../../../history/columns/table.ts';
import type { CheckerContext } from '../../bucket-result.ts';
import { judgeDenials } from '../../proofs/false-denial.ts';
import { bucketLevel } from '../../proofs/lowest-level.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import { afterDenials } from './after-denials.ts';
import { changedRows } from './changed-rows.ts';
import type { Explanation, Trial } from './trial.ts';

/** Fewer false denials, or fewer admissions that a denial came before, show no rule. */
const LEAST_DENIALS = 5;
const LEAST_ADMISSIONS = 20;
/** A smaller share of admissions that need saved fractions of tokens: the limiter may drop fractions at each operation. */
const LEAST_FRACTIONS = 0.08;

/**
 * A denial takes what its bucket holds. Then no denial is false: each finds a bucket that denials have emptied. And after
 * each denial, only what was gained since was admitted, which is less than what an ideal bucket may admit.
 */
export function chargedDenials(trial: Trial): Explanation | undefined {
  if (trial.drops > 0 || trial.falseDenials === 0) return undefined;
  let [tested, ofFractions] = [0, 0];
  const { clock } = trial.context;
  const isRefuted = trial.some((rows, policy) => {
    rows.loadByLast();
    const seen = afterDenials(trial.table, rows.byLast.subarray(0, rows.lastCount), { policy, clock });
    tested += seen.admissions;
    ofFractions += seen.ofFractions;
    return seen.mostBeyond > 0 || hasFalseDenial(rows, policy, trial.context);
  });
  if (isRefuted) return undefined;
  return {
    isStrong:
      trial.falseDenials >= LEAST_DENIALS &&
      tested >= LEAST_ADMISSIONS &&
      ofFractions >= LEAST_FRACTIONS * tested,
    sentence:
      'denials cost tokens: if each denial takes the tokens that its bucket holds, all denials are right, and after a denial ' +
      `only what was gained since is admitted (${tested} admissions)`,
  };
}

/**
 * A denial is in flight during its own interval, so its cost is added to the lowest level then: of a denial without a
 * cost, the lowest level is compared with 0.
 */
function hasFalseDenial(bucket: BucketRows, policy: Policy, { clock, known }: CheckerContext): boolean {
  const charged = withCharges(bucket);
  const levelOf = () => bucketLevel(policy, { clock, known, fades: false });
  return judgeDenials(charged, known, { levelOf, mostQuanta: policy.capacityQuanta }).denials.length > 0;
}

/** The rows with two for each denial: the denial without its cost, and a charge of its cost that may have been made. */
function withCharges(bucket: BucketRows): BucketRows {
  const { table, byInvoked, count } = bucket;
  const changed = [...byInvoked.subarray(0, count)].flatMap((row) => {
    const kind = table.kinds[row] as number;
    const cost = table.costTokens[row] as number;
    const isDenied = (kind & KIND.outcome) === KIND.denied;
    return [{ row, kind, cost: isDenied ? 0 : cost }, ...(isDenied ? [{ row, kind: KIND.info, cost }] : [])];
  });
  return changedRows(bucket, changed);
}
