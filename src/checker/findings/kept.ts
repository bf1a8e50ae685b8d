import type { OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';
import { checkBucket } from '../judge-bucket.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';

/** The most rows that are judged again for each explanation: of buckets with findings, and of others. */
const MOST_ROWS = 300_000;

const MOST_WITHOUT = 1_000;

/** Buckets on which another reading of the history is tried: with findings, and some without, which it may accuse. */
export function bucketsToTry(table: OperationTable, withFindings: readonly BucketResult[]): number[] {
  const found = withFindings.map(({ bucket }) => bucket);
  return [...within(table, found), ...within(table, withoutFindings(table, found))];
}

function withoutFindings({ bucketCount }: OperationTable, found: readonly number[]): number[] {
  const isFound = new Set(found);
  const buckets: number[] = [];
  for (let bucket = 0; bucket < bucketCount && buckets.length < MOST_WITHOUT; bucket++)
    if (!isFound.has(bucket)) buckets.push(bucket);
  return buckets;
}

/** The first buckets that have few enough rows together. */
function within({ starts }: OperationTable, buckets: readonly number[]): number[] {
  let rows = 0;
  return buckets.filter((bucket) => {
    const count = (starts[bucket + 1] as number) - (starts[bucket] as number);
    if (rows + count > MOST_ROWS) return false;
    rows += count;
    return true;
  });
}

/** How many denials of these buckets could have been found false; -1 if the limiter does not keep its promise in them. */
export function refutableIfKept(
  rows: BucketRows,
  buckets: readonly number[],
  ofBucket: (bucket: number) => Parameters<typeof checkBucket>[1],
): number {
  let refutable = 0;
  for (const bucket of buckets) {
    rows.load(bucket);
    const judgedBy = ofBucket(bucket);
    const { denials, windows, over, replay, excused } = checkBucket(rows, judgedBy);
    if (denials.length + windows.length > 0) return -1;
    if (judgedBy.context.windows === undefined && over.drops.length + replay.findings.length > 0) return -1;
    refutable += rows.denials - excused;
  }
  return refutable;
}
