import { formatPromise, type WindowPromise } from '../../../core/promise.ts';
import { KIND } from '../../../history/columns/table.ts';
import { judgeWindowDenials } from '../../proofs/false-denial.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import type { WindowClock } from '../../windows/clock.ts';
import { findBrokenWindows } from '../../windows/promised-windows.ts';
import type { Explanation, Trial } from './trial.ts';

const LEAST_VIOLATIONS = 3;
/** Fewer ends of windows show no rule. */
const LEAST_ENDS = 5;
/** How many places of the windows are tried. */
const TRIED = 16;

/**
 * A counter of the capacity for each time in which refill fills the bucket, set to zero at multiples of that time: it
 * explains all. When windows end is known from denials that an admission follows.
 */
export function fixedWindow(trial: Trial): Explanation | undefined {
  const policies = new Set(trial.buckets.map((bucket) => trial.table.policyOf(bucket)));
  const [policy] = policies;
  if (policies.size !== 1 || policy === undefined) return undefined;
  const windowUs = policy.capacityQuanta; // in the units of `onClock`, which make it a whole number
  const promise: WindowPromise = {
    type: 'fixed-window',
    limit: policy.capacityTokens,
    windowUs,
    alignment: 'epoch',
  };
  const onClock = trial.inUnits(policy.quantaPerUs);
  const wanderUs = onClock.wanderUs();
  const place = placeOf(endsOf(onClock), { windowUs, wanderUs });
  if (place === undefined) return undefined;
  const isExplained = place.triedUs.some((us) => keeps(onClock, promise, { startUs: us, wanderUs }));
  if (!isExplained) return undefined;
  const inUs = { ...promise, windowUs: Math.round(windowUs / policy.quantaPerUs), alignment: 'any' } as const;
  return {
    isStrong: trial.drops + trial.falseDenials >= LEAST_VIOLATIONS && place.ends >= LEAST_ENDS,
    sentence:
      `tokens come at the end of a fixed window, not one by one: the windows of ${formatPromise(inUs)} ` +
      `explain each admission and each denial (${place.ends} ends of windows)`,
  };
}

interface End {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** A window ended between a denial and the admission after it. */
function endsOf(trial: Trial): End[] {
  const ends: End[] = [];
  trial.some((rows) => {
    rows.loadByLast();
    const { table, byLast, lastCount } = rows;
    let denial = { fromUs: 0, lastUs: Number.POSITIVE_INFINITY, cost: 0 };
    for (let at = 0; at < lastCount; at++) {
      const row = byLast[at] as number;
      const outcome = (table.kinds[row] as number) & KIND.outcome;
      const [fromUs, lastUs, cost] = [
        table.invokedUs[row] as number,
        table.lastUs(row),
        table.costTokens[row] as number,
      ];
      if (outcome === KIND.denied) denial = { fromUs, lastUs, cost };
      else if (outcome === KIND.allowed && fromUs >= denial.lastUs && cost >= denial.cost) {
        ends.push({ fromUs: denial.fromUs, untilUs: lastUs });
        denial.lastUs = Number.POSITIVE_INFINITY;
      }
    }
    return false;
  });
  return ends;
}

/** The places of windows that all ends allow, and the number of ends; undefined if there is none. */
function placeOf(
  ends: readonly End[],
  { windowUs, wanderUs }: { windowUs: number; wanderUs: number },
): { readonly triedUs: readonly number[]; readonly ends: number } | undefined {
  const short = ends.filter(({ fromUs, untilUs }) => untilUs - fromUs < windowUs / 2);
  const first = short.reduce<End | undefined>(
    (best, next) =>
      best === undefined || next.untilUs - next.fromUs < best.untilUs - best.fromUs ? next : best,
    undefined,
  );
  if (first === undefined) return undefined;
  let [lowUs, highUs] = [first.fromUs, first.untilUs];
  for (const { fromUs, untilUs } of short) {
    const byUs = Math.round((fromUs - first.fromUs) / windowUs) * windowUs;
    lowUs = Math.max(lowUs, fromUs - byUs - wanderUs);
    highUs = Math.min(highUs, untilUs - byUs + wanderUs);
  }
  if (lowUs > highUs) return undefined;
  const triedUs = Array.from({ length: TRIED }, (_, at) =>
    Math.round(lowUs + ((highUs - lowUs) * at) / (TRIED - 1)),
  );
  return { triedUs, ends: short.length };
}

function keeps(
  trial: Trial,
  promise: WindowPromise,
  { startUs, wanderUs }: { startUs: number; wanderUs: number },
): boolean {
  const { clock, known } = trial.context;
  const placed: WindowClock = {
    ...clock,
    offset: { lowestUs: -startUs, highestUs: -startUs, from: 'readings' },
    wanderUs,
    knownFromUs: known.initial === 'full' ? Number.NEGATIVE_INFINITY : known.knownFromUs,
  };
  return !trial.some((rows) => isBroken(rows, promise, placed, trial));
}

function isBroken(
  rows: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  { context: { known } }: Trial,
): boolean {
  if (findBrokenWindows(rows, promise, clock).length > 0) return true;
  return judgeWindowDenials(rows, known, { promise, clock }).denials.length > 0;
}
