import { count } from '../../core/units.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult, CheckerContext } from '../bucket-result.ts';
import { checkBucket } from '../judge-bucket.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { usedUpDenials } from '../windows/used-up-denials.ts';

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
  if (context.windows?.areDenialsJudged !== false) return rows.denials - alone.excused;
  const { right, wrong } = usedUpDenials(rows, context.windows, context.known.initial);
  return wrong > 0 ? undefined : right;
}
