import { type ForeignFormat, TIMED_FORMATS } from '../../src/history/foreign/formats/formats.ts';
import type { Mapping } from '../../src/history/foreign/mapping.ts';
import { ForeignReader } from '../../src/history/foreign/reader.ts';
import { parseStatusPattern } from '../../src/history/foreign/status.ts';
import { type StatusLists, statusReader } from '../../src/history/foreign/statuses.ts';

const POLICY = { capacity: 100, refill: { tokens: 1, perUs: 100_000 } };
const STANDARD = { allow: parseStatusPattern('2xx'), deny: parseStatusPattern('429') };
const NAMED = { key: 'user', status: 'code' };

type Changes = Partial<Mapping> & { readonly lists?: StatusLists; readonly oneBucket?: true };

/** Reads a text as a log of that format, with times in `from_ms` and `to_ms` where nothing else is said. */
export function readForeign(format: ForeignFormat, text: string | Uint8Array, changes: Changes = {}) {
  const { lists = {}, oneBucket, ...others } = changes;
  const isTimed = 'start' in changes || 'end' in changes || 'duration' in changes;
  const known = (TIMED_FORMATS as Partial<Record<ForeignFormat, Partial<Mapping>>>)[format];
  const times = known ?? (isTimed ? NAMED : { ...NAMED, start: 'from_ms', end: 'to_ms' });
  const mapping = {
    ...{ key: 'query.user', clockSlackUs: 0, unusableAtMost: 0.01, statuses: statusReader(lists, STANDARD) },
    ...times,
    ...others,
  } as Mapping;
  const { key: _key, ...unnamed } = mapping;
  const reader = new ForeignReader(format, oneBucket ? unnamed : mapping, { policy: POLICY });
  reader.startFile('log');
  reader.push(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  reader.endFile();
  const history = reader.finish();
  const { operations: table } = history;
  const rows = Array.from({ length: table.rows }, (_, row) => ({
    from: table.invokedUs[row] as number,
    to: table.lastUs(row),
    outcome: table.outcomeOf(row),
  }));
  const names = Array.from({ length: table.bucketCount }, (_, bucket) => table.nameOf(bucket));
  return { rows, names, history, reader };
}
