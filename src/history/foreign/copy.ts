import type { History } from '../history.ts';
import { encodeRecord } from '../records/codec.ts';
import type { Operation } from '../records/operation.ts';

/**
 * The lines of a history in our format with the operations of a foreign log as they were read, bucket by bucket. No format
 * of a foreign log has decision ids, charges beyond the cost, or several charges in one operation.
 */
export function* copyLines({ header, operations: table, end }: History): Generator<string> {
  yield encodeRecord(header);
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    const name = table.plainNameOf(bucket);
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++)
      yield encodeRecord({
        ...{ type: 'op', index: row, bucket: name, user: name, region: table.regionOf(row), process: 0 },
        ...{ cost: table.costTokens[row] as number, invokedUs: table.invokedUs[row] as number },
        ...endOf(table.outcomeOf(row), table.lastUs(row)),
      });
  }
  if (end !== undefined) yield encodeRecord(end);
}

function endOf(outcome: Operation['outcome'], lastUs: number) {
  if (outcome !== 'info') return { completedUs: lastUs, outcome };
  return { completedUs: null, outcome, ...(Number.isFinite(lastUs) && { latestUs: lastUs }) };
}
