import type { Policy } from '../../core/policy.ts';
import { KIND } from '../../history/columns/table.ts';
import type { ClockLag } from '../clocks/bounds.ts';
import type { FalseDenial } from '../proofs/false-denials.ts';
import { LatestSpender } from '../proofs/latest-spender.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import { rowsWhere } from '../rows/sort-rows.ts';
import { type DenialContext, witnessLine } from './finding.ts';

/** The most operations in the list, for a reader who adds them up by hand. Earlier ones are summed up as the lowest level. */
const MOST_LINES = 200;

interface Step {
  readonly row: number;
  readonly atUs: number;
  readonly levelQuanta: number;
}

/**
 * The steps to compute the lowest level at a false denial by hand: the operations that can have taken from the bucket
 * since it was last certainly full, each as late as possible, and the lowest level after each. Operations in flight at
 * the denial take at its lowest moment. The allowance for the clocks is not subtracted.
 */
export function explainDenial(
  bucket: BucketRows,
  { policy, lag, known }: { policy: Policy; lag: ClockLag; known: Known },
  { lowestAtUs }: FalseDenial,
): DenialContext & { readonly levelQuanta: number } {
  const { table } = bucket;
  const quantaOf = (row: number) => (table.costTokens[row] as number) * policy.quantaPerToken;
  const { finished, inFlight } = spendsAt(bucket, lowestAtUs);
  const level = new LatestSpender(policy, lag.slowPpm, known);
  const steps: Step[] = [];
  const take = (step: Step) => {
    if (steps.push(step) > 2 * MOST_LINES) steps.splice(0, MOST_LINES); // MOST_LINES remain
  };
  let start = known.initial === 'full' ? policy.capacityQuanta : 0;
  for (const row of finished) {
    const atUs = table.lastUs(row);
    if (level.levelAt(atUs) === policy.capacityQuanta) {
      steps.length = 0;
      start = policy.capacityQuanta;
    }
    take({ row, atUs, levelQuanta: level.spend(atUs, quantaOf(row)) });
  }
  let levelQuanta = level.levelAt(lowestAtUs);
  if (levelQuanta === policy.capacityQuanta) {
    steps.length = 0;
    start = policy.capacityQuanta;
  }
  for (const row of inFlight) {
    levelQuanta -= quantaOf(row);
    take({ row, atUs: lowestAtUs, levelQuanta });
  }
  const left = steps.splice(0, Math.max(0, steps.length - MOST_LINES));
  return {
    levelQuanta,
    startLevel: (left.at(-1)?.levelQuanta ?? start) / policy.quantaPerToken,
    startUs: left.at(-1)?.atUs ?? null,
    atUs: lowestAtUs,
    steps: steps.map((step) => ({
      ...witnessLine(table, step.row),
      takenUs: step.atUs,
      lowestAfter: step.levelQuanta / policy.quantaPerToken,
    })),
  };
}

/** Operations that ended before `atUs`, in the order of their ends, and operations in flight at that time. */
function spendsAt(bucket: BucketRows, atUs: number): { finished: Uint32Array; inFlight: Uint32Array } {
  bucket.loadByLast();
  const { table, byInvoked, byLast, count, lastCount } = bucket;
  const isSpend = (row: number) =>
    ((table.kinds[row] as number) & KIND.outcome) !== KIND.denied && (table.invokedUs[row] as number) <= atUs;
  const isOver = (row: number) => table.lastUs(row) < atUs;
  return {
    finished: rowsWhere(byLast.subarray(0, lastCount), (row) => isSpend(row) && isOver(row)),
    inFlight: rowsWhere(byInvoked.subarray(0, count), (row) => isSpend(row) && !isOver(row)),
  };
}
