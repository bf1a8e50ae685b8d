import type { Evidence } from '../core/decision.ts';
import type { HistoryRecord } from './operation.ts';

/** Writes one record as one line of NDJSON, newline included. Levels are decimal strings of quanta. */
export function encodeRecord(record: HistoryRecord): string {
  if (record.type !== 'op' || record.decision === undefined) return `${JSON.stringify(record)}\n`;
  return `${JSON.stringify({ ...record, decision: encodeDecision(record.decision) })}\n`;
}

function encodeDecision({ strategy, node, source, atUs, bucketUs, levelQuanta }: Evidence): object {
  return {
    strategy,
    node,
    atUs,
    bucketUs,
    level: levelQuanta === undefined ? undefined : String(levelQuanta),
    source,
  };
}
