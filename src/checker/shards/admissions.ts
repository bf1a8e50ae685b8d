import type { Admissions } from '../../core/bound.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { BucketRows } from '../rows/bucket-rows.ts';

/** What Redis admitted, as a function from a bucket to that of all buckets with its key; measured when it is asked for. */
export function measureAdmissions(
  table: OperationTable,
  keyOf: (bucket: number) => string,
): (bucket: number) => Admissions {
  const measured = new Map<string, Admissions>();
  return (bucket) => {
    const key = keyOf(bucket);
    const known = measured.get(key) ?? measure(table, (other) => keyOf(other) === key);
    measured.set(key, known);
    return known;
  };
}

function measure(table: OperationTable, isOurs: (bucket: number) => boolean): Admissions {
  const rows = new BucketRows(table);
  let most: Admissions = { longestUs: 0, rests: 0 };
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    if (!isOurs(bucket)) continue;
    rows.load(bucket);
    const { longestUs, rests } = ofBucket(rows);
    most = { longestUs: Math.max(most.longestUs, longestUs), rests: Math.max(most.rests, rests) };
  }
  return most;
}

/** A rest begins with an admission, or with the first request: that may have been admitted without a reply. */
function ofBucket({ table, byInvoked, count, bucket }: BucketRows): Admissions {
  const { capacityQuanta, quantaPerUs } = table.policyOf(bucket);
  const fillUs = capacityQuanta / quantaPerUs;
  let [longestUs, rests] = [0, 0];
  let sinceUs = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const kind = table.kinds[row] as number;
    const [fromUs, untilUs] = [table.invokedUs[row] as number, table.lastUs(row)];
    if ((kind & KIND.fallback) !== 0) continue;
    const isAdmitted = (kind & KIND.outcome) === KIND.allowed;
    if (isAdmitted) {
      longestUs = Math.max(longestUs, untilUs - fromUs);
      if (untilUs > sinceUs) rests += Math.floor((untilUs - sinceUs) / fillUs);
    }
    if (isAdmitted || sinceUs === Number.POSITIVE_INFINITY) sinceUs = fromUs;
  }
  return { longestUs, rests };
}
