import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import type { FalseDenial } from './false-denials.ts';
import { type DenialContext, witnessLine } from './finding.ts';
import type { Known } from './known.ts';
import { LatestSpender } from './latest-spender.ts';
import { rowsWhere } from './order.ts';

/** More operations than this nobody adds up by hand: the lowest level before the last of them is given instead. */
const MOST_LINES = 200;

interface Step {
  readonly row: number;
  readonly atUs: number;
  readonly levelQuanta: number;
}

/**
 * What a person needs to work out the lowest level at a false denial: the operations that can have taken from the
 * bucket since it was last surely full, each as late as it can have, and the lowest level after each. Those in flight
 * at the denial take at its lowest moment. What is left then is without what is taken off for the clocks.
 */
export function contextOf(
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
    if (steps.push(step) > 2 * MOST_LINES) steps.splice(0, MOST_LINES); // more are left than are shown
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

/** What was over before `atUs`, in the order of its end, and what was in flight then. */
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
