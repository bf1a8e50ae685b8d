import { count } from '../../core/units.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult, CheckerContext } from '../bucket-result.ts';
import { checkBucket } from '../judge-bucket.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { mostOnRecorder } from '../windows/spans.ts';

interface Judged {
  readonly history: History;
  readonly withFindings: readonly BucketResult[];
  readonly context: CheckerContext;
}

/** Fewer denials show no limit of a place. */
const LEAST_DENIALS = 3;
/** The most rows that are judged. */
const MOST_ROWS = 300_000;

/**
 * Each place decides by a state of its own, in each bucket with an excess: judged by its own operations alone, it
 * admitted no more than the promise allows, and each of its denials is right. Of a bucket that the places share, the
 * denials of one are wrong by its own admissions, since those of the others used up the limit. Two places or more have
 * three denials or more that could have been wrong. `noun`: such a place.
 */
export function placesApart(
  { history: { operations: table }, withFindings, context }: Judged,
  placeOf: (row: number) => string,
  noun: string,
): string[] {
  const exceeded = withFindings.filter((result) => isExceeded(result, context));
  const shown = new Map<string, number>();
  let left = MOST_ROWS;
  for (const { bucket } of exceeded) {
    left -= (table.starts[bucket + 1] as number) - (table.starts[bucket] as number);
    const places = rowsByPlace(table, bucket, placeOf);
    if (left < 0 || places.size < 2) return [];
    for (const [place, rows] of places) {
      const denials = rightDenials(rows, bucket, context);
      if (denials === undefined) return [];
      shown.set(place, (shown.get(place) ?? 0) + denials);
    }
  }
  const sure = [...shown.values()].filter((denials) => denials >= LEAST_DENIALS);
  if (sure.length < 2) return [];
  return [
    `each ${noun} counts by itself: each of ${shown.size} keeps the promise alone, and its denials are right by its own admissions, ` +
      `in ${count(exceeded.length, 'bucket')} that together they exceed`,
  ];
}

/** Whether each place of a bucket can have decided by its own operations alone. */
export function areRightAlone(
  table: OperationTable,
  bucket: number,
  { placeOf, context }: { placeOf: (row: number) => string; context: CheckerContext },
): boolean {
  const places = [...rowsByPlace(table, bucket, placeOf).values()];
  return places.every((rows) => rightDenials(rows, bucket, context) !== undefined);
}

function isExceeded({ over, windows }: BucketResult, { windows: promised }: CheckerContext): boolean {
  return promised === undefined ? over.drops.length > 0 : windows.length > 0;
}

/** Every operation of a bucket that can have charged it, by its place, in the order of invocation. */
function rowsByPlace(
  table: OperationTable,
  bucket: number,
  placeOf: (row: number) => string,
): Map<string, BucketRows> {
  const all = new BucketRows(table);
  all.load(bucket);
  const places = new Map<string, number[]>();
  for (const row of all.byInvoked.subarray(0, all.count)) {
    const rows = places.get(placeOf(row)) ?? [];
    rows.push(row);
    places.set(placeOf(row), rows);
  }
  return new Map([...places].map(([place, rows]) => [place, BucketRows.of(table, rows)]));
}

/**
 * How many denials of these operations are right by them alone, and could have been wrong; undefined if one is wrong, or
 * if more was admitted than the promise allows.
 */
function rightDenials(rows: BucketRows, bucket: number, context: CheckerContext): number | undefined {
  rows.bucket = bucket;
  const policy = rows.table.policyOf(bucket);
  const alone = checkBucket(rows, { policy, context: { ...context, isReplayed: false }, resets: [] });
  if (isExceeded(alone, context) || alone.denials.length > 0) return undefined;
  return context.windows?.areDenialsJudged === false
    ? usedUpDenials(rows, context.windows, context.known.initial)
    : rows.denials - alone.excused;
}

/**
 * Of windows whose place is unknown: the window of a denial began at most one length before, a counter remembers two
 * lengths, and so long before the end of a denial the limit was admitted. Undefined where it was not.
 */
function usedUpDenials(
  rows: BucketRows,
  { promise, clock }: NonNullable<CheckerContext['windows']>,
  initial: 'full' | 'unknown',
): number | undefined {
  const { table, byInvoked, count } = rows;
  const lengthUs = mostOnRecorder(promise.windowUs * (promise.type === 'sliding-counter' ? 2 : 1), clock);
  const judgedFromUs = initial === 'full' ? Number.NEGATIVE_INFINITY : clock.knownFromUs + lengthUs;
  const taken: { readonly lastUs: number; readonly cost: number }[] = [];
  let [tokens, first, right] = [0, 0, 0];
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const [fromUs, cost] = [table.invokedUs[row] as number, table.costTokens[row] as number];
    for (; first < taken.length && (taken[first]?.lastUs ?? 0) < fromUs - lengthUs; first++)
      tokens -= taken[first]?.cost ?? 0;
    if (((table.kinds[row] as number) & KIND.outcome) !== KIND.denied) {
      taken.push({ lastUs: table.lastUs(row), cost });
      tokens += cost;
    } else if (fromUs >= judgedFromUs) {
      if (tokens + cost + startedWithin(rows, at) <= promise.limit) return undefined;
      right++;
    }
  }
  return right;
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
