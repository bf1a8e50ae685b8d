import type { History } from '../../src/history/history.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import type { HistoryRecord } from '../../src/history/records/operation.ts';

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Reads a history, so many bytes at once. */
export function read(text: string, { chunk = 65_536, name = 'h.ndjson' } = {}): History {
  const reader = new HistoryReader();
  const bytes = bytesOf(text);
  reader.startFile(name);
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  reader.endFile();
  return reader.finish();
}

export const linesOf = (...records: HistoryRecord[]) => records.map(encodeRecord).join('');

/** All there is to know of a table. */
export const contentOf = ({ operations: table }: History) =>
  Array.from({ length: table.rows }, (_, row) => ({
    bucket: Array.from({ length: table.bucketCount }, (_, bucket) => bucket)
      .filter(
        (bucket) => row >= (table.starts[bucket] as number) && row < (table.starts[bucket + 1] as number),
      )
      .map((bucket) => table.nameOf(bucket)),
    invokedUs: table.invokedUs[row],
    lastUs: table.lastUs(row),
    cost: table.costTokens[row],
    kind: table.kinds[row],
    region: table.regionOf(row),
    operation: table.operationOf(row),
    level: table.levels?.of(row),
    bucketUs: table.levels?.bucketUs(row),
    dueUs: table.isDue(row) ? table.lastUs(row) - table.latencyUs(row) : undefined,
  }));
