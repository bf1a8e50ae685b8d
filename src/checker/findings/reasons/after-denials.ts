import type { Policy } from '../../../core/policy.ts';
import { KIND, type OperationTable } from '../../../history/columns/table.ts';
import type { ClockSlack } from '../../clocks/bounds.ts';

export interface AfterDenials {
  /** Admissions wholly after a denial and before the next. */
  readonly admissions: number;
  /** The most quanta that were admitted beyond the refill since the denial before them began; below 0 if none. */
  readonly mostBeyond: number;
  /** How often more was admitted than the whole tokens that came between each two operations. */
  readonly ofFractions: number;
}

/**
 * What was admitted after denials. A bucket that denies a cost holds less than that; so until any later moment it admits
 * less than the cost and the refill since. `byLast`: the rows of one bucket in the order of their ends.
 */
export function afterDenials(
  table: OperationTable,
  byLast: ArrayLike<number>,
  { policy: { quantaPerToken, quantaPerUs }, clock }: { policy: Policy; clock: ClockSlack },
): AfterDenials {
  const speed = quantaPerUs * (1 + clock.rhoPpm / 1_000_000);
  const gained = (fromUs: number, lastUs: number) =>
    Math.ceil((lastUs - fromUs + clock.epsilonUs) * speed) + 1;
  let [admissions, ofFractions, mostBeyond] = [0, 0, Number.NEGATIVE_INFINITY];
  let [quanta, wholeQuanta] = [0, 0];
  let denial: { fromUs: number; lastUs: number } | undefined;
  for (let at = 0; at < byLast.length; at++) {
    const row = byLast[at] as number;
    const outcome = (table.kinds[row] as number) & KIND.outcome;
    const [fromUs, lastUs] = [table.invokedUs[row] as number, table.lastUs(row)];
    const costQuanta = (table.costTokens[row] as number) * quantaPerToken;
    if (outcome === KIND.denied) {
      denial = { fromUs, lastUs };
      [quanta, wholeQuanta] = [0, 0];
      continue;
    }
    if (denial === undefined) continue;
    wholeQuanta +=
      Math.floor(gained(beganBefore(table, byLast, at), lastUs) / quantaPerToken) * quantaPerToken;
    if (outcome === KIND.allowed && fromUs >= denial.lastUs) {
      admissions++;
      quanta += costQuanta;
      mostBeyond = Math.max(mostBeyond, quanta - gained(denial.fromUs, lastUs));
      if (quanta > wholeQuanta) ofFractions++;
    }
  }
  return { admissions, mostBeyond, ofFractions };
}

/** When the last operation began that had ended before this one began. */
function beganBefore(table: OperationTable, byLast: ArrayLike<number>, at: number): number {
  const fromUs = table.invokedUs[byLast[at] as number] as number;
  let before = at - 1;
  while (before > 0 && table.lastUs(byLast[before] as number) > fromUs) before--;
  return table.invokedUs[byLast[Math.max(0, before)] as number] as number;
}
