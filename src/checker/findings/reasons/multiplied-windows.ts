import type { WindowPromise } from '../../../core/promise.ts';
import { KIND } from '../../../history/columns/table.ts';
import type { CheckerContext } from '../../bucket-result.ts';
import type { BucketRows } from '../../rows/bucket-rows.ts';
import { findBrokenWindows } from '../../windows/promised-windows.ts';
import { usedUpDenials } from '../../windows/used-up-denials.ts';
import { isSteady, type Stretch } from './steady.ts';
import type { Trial } from './trial.ts';

type Windows = NonNullable<CheckerContext['windows']>;

/** The most instances that are told apart. */
const MOST_INSTANCES = 32;
const LEAST_BUCKETS = 3;
const LEAST_WRONG = 5;

/**
 * Each of several instances behind one address keeps the whole limit of windows. With L the limit and n > 1,
 *   no window of any bucket has more than n * L, and some window of three buckets or more has n * L;
 *   one limiter of n * L, whatever its windows, would not have given five denials or more: less was admitted in two lengths
 *   before; and
 *   while many are denied, n * L are admitted in each window, so that nothing was forgotten only now and then.
 */
export function multipliedWindows(trial: Trial): string | undefined {
  const { windows, known } = trial.context;
  if (windows === undefined || trial.excesses === 0 || trial.falseDenials > 0) return undefined;
  const { limit } = windows.promise;
  const least = leastLimit(trial, windows);
  if (least === undefined || least % limit !== 0) return undefined;
  const one = { type: 'sliding-counter', limit: least, windowUs: windows.promise.windowUs } as const;
  if (countBroken(trial, windows, least - 1) < LEAST_BUCKETS) return undefined;
  const wrong = trial.sum(
    (rows) => usedUpDenials(rows, { promise: one, clock: windows.clock }, known.initial).wrong,
  );
  if (wrong < LEAST_WRONG || !isSteady(trial, (rows) => stretchesOf(rows, one))) return undefined;
  const count = least / limit;
  return (
    `the limit is kept ${count} times over: no window has more than ${count} times the limit, and ${wrong} denials came before ` +
    `that was used up, so ${count} instances count apart`
  );
}

/** The least limit that explains all admissions. */
function leastLimit(trial: Trial, windows: Windows): number | undefined {
  let [below, enough] = [windows.promise.limit, windows.promise.limit * MOST_INSTANCES];
  if (countBroken(trial, windows, enough) > 0) return undefined;
  while (enough - below > 1) {
    const middle = Math.floor((below + enough) / 2);
    if (countBroken(trial, windows, middle) > 0) below = middle;
    else enough = middle;
  }
  return enough;
}

/** How many buckets have a window with more than this limit. */
function countBroken(trial: Trial, { promise, clock }: Windows, limit: number): number {
  return trial.sum((rows) => (findBrokenWindows(rows, { ...promise, limit }, clock, []).length > 0 ? 1 : 0));
}

/** Stretches of a window's length, one after another from the first operation, without the last, which is cut short. */
function stretchesOf(rows: BucketRows, { limit, windowUs }: WindowPromise): readonly Stretch[] {
  const { table, byInvoked, count } = rows;
  const stretches: { admitted: number; denied: number; readonly expected: number }[] = [];
  const fromUs = table.invokedUs[byInvoked[0] as number] as number;
  for (const row of byInvoked.subarray(0, count)) {
    const number = Math.floor(((table.invokedUs[row] as number) - fromUs) / windowUs);
    while (stretches.length <= number) stretches.push({ admitted: 0, denied: 0, expected: limit });
    const stretch = stretches[number] as (typeof stretches)[number];
    const isDenied = ((table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    stretch[isDenied ? 'denied' : 'admitted'] += table.costTokens[row] as number;
  }
  return stretches.slice(0, -1);
}
