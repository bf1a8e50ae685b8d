import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultRecord, HistoryRecord, Operation } from '../../src/history/records/operation.ts';

/**
 * The requests that had no answer before the first fault of the newest run in this folder. The last one of each
 * connection is left out: it can be in flight when the fault begins.
 */
export function unansweredBeforeFault(folder: string): Operation[] {
  const lines = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8').trim().split('\n');
  const records: HistoryRecord[] = lines.map((line) => JSON.parse(line));
  const fault = records.find((record): record is FaultRecord => record.type === 'fault');
  if (fault === undefined) throw new Error(`no fault in ${folder}`);
  const before = records
    .filter((record): record is Operation => record.type === 'op')
    .filter(({ invokedUs }) => invokedUs < fault.atUs)
    .toSorted((a, b) => a.invokedUs - b.invokedUs);
  const last = new Map(before.map((operation) => [`${operation.region} ${operation.process}`, operation]));
  const inFlight = new Set(last.values());
  return before.filter(
    (operation) => ['failed', 'info'].includes(operation.outcome) && !inFlight.has(operation),
  );
}
