import type { WindowPromise } from '../../core/promise.ts';
import { KIND } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { WindowClock } from './clock.ts';
import { mostOnRecorder } from './spans.ts';

/**
 * How many denials are right and wrong, wherever windows begin: the window of a denial began at most one length before, a
 * counter remembers two lengths. A denial is right if the limit can have been admitted so long before its end.
 */
export function usedUpDenials(
  rows: BucketRows,
  { promise, clock }: { readonly promise: WindowPromise; readonly clock: WindowClock },
  initial: 'full' | 'unknown',
): { readonly right: number; readonly wrong: number } {
  const { table, byInvoked, count } = rows;
  const lengthUs = mostOnRecorder(promise.windowUs * (promise.type === 'sliding-counter' ? 2 : 1), clock);
  const judgedFromUs = initial === 'full' ? Number.NEGATIVE_INFINITY : clock.knownFromUs + lengthUs;
  const taken: { readonly lastUs: number; readonly cost: number }[] = [];
  let [tokens, first, right, wrong] = [0, 0, 0, 0];
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const [fromUs, cost] = [table.invokedUs[row] as number, table.costTokens[row] as number];
    for (; first < taken.length && (taken[first]?.lastUs ?? 0) < fromUs - lengthUs; first++)
      tokens -= taken[first]?.cost ?? 0;
    if (((table.kinds[row] as number) & KIND.outcome) !== KIND.denied) {
      taken.push({ lastUs: table.lastUs(row), cost });
      tokens += cost;
    } else if (fromUs >= judgedFromUs) {
      if (tokens + cost + startedWithin(rows, at) <= promise.limit) wrong++;
      else right++;
    }
  }
  return { right, wrong };
}

/** The tokens of operations that began after this one, and before it ended. */
function startedWithin({ table, byInvoked, count }: BucketRows, at: number): number {
  const untilUs = table.lastUs(byInvoked[at] as number);
  let tokens = 0;
  for (let next = at + 1; next < count; next++) {
    const row = byInvoked[next] as number;
    if ((table.invokedUs[row] as number) > untilUs) break;
    if (((table.kinds[row] as number) & KIND.outcome) !== KIND.denied)
      tokens += table.costTokens[row] as number;
  }
  return tokens;
}
