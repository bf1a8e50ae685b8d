import { OpenclawError } from '../../../core/errors.ts';

/** One spend in an outbox, with its numbers as text. */
interface OutboxEntry {
  readonly bucket: string;
  readonly capacity: string;
  readonly refill: string;
  readonly at: string;
  readonly quanta: string;
  /** The life of the other region's data in which it was spent. */
  readonly life: string;
  /** Quanta per token; 0 of an earlier version, which stored none. */
  readonly unit: string;
}

/** The reply of `lua/active-read.lua`. */
export interface OutboxBatch {
  readonly life: string;
  readonly cursor: string;
  /** The id of the newest entry at the time of the request. */
  readonly newest: string;
  /** How many entries were trimmed before they were read; after a change of life, at least this many. */
  readonly missed: number;
  readonly entries: readonly OutboxEntry[];
}

const FIELDS = 7;

/** Parses the reply of `lua/active-read.lua`. Throws REPLY_UNEXPECTED. */
export function readEntries([life, cursor, newest, missed, ...rest]: readonly (
  | string
  | number
)[]): OutboxBatch {
  if (typeof missed !== 'number' || rest.length % FIELDS !== 0)
    throw new OpenclawError(
      'REPLY_UNEXPECTED',
      `active-read: expected a batch, found ${rest.length + 4} fields`,
    );
  const entries = Array.from({ length: rest.length / FIELDS }, (_, i): OutboxEntry => {
    const [bucket = '', capacity = '', refill = '', at = '', quanta = '', life = '', unit = ''] = rest
      .slice(i * FIELDS, (i + 1) * FIELDS)
      .map(String);
    return { bucket, capacity, refill, at, quanta, life, unit };
  });
  return { life: String(life), cursor: String(cursor), newest: String(newest), missed, entries };
}

/**
 * The arguments of `lua/active-merge.lua` for each bucket. Of several entries for one instant of a life only the last
 * is kept: it has the largest total. Spends in another unit than the last one are converted to its unit, rounded up.
 */
export function groupEntries(entries: readonly OutboxEntry[]): Map<string, readonly string[]> {
  const byBucket = new Map<string, { latest: OutboxEntry; instants: Map<string, OutboxEntry> }>();
  for (const entry of entries) {
    const known = byBucket.get(entry.bucket) ?? { latest: entry, instants: new Map() };
    known.latest = entry;
    known.instants.set(`${entry.life} ${entry.at}`, entry);
    byBucket.set(entry.bucket, known);
  }
  return new Map(
    [...byBucket].map(([bucket, { latest, instants }]) => [
      bucket,
      [
        ...[latest.capacity, latest.refill, latest.unit, String(instants.size)],
        ...[...instants.values()].flatMap((entry) => [entry.at, quantaIn(latest.unit, entry), entry.life]),
      ],
    ]),
  );
}

function quantaIn(unit: string, entry: OutboxEntry): string {
  if (entry.unit === unit || entry.unit === '0' || unit === '0') return entry.quanta;
  const [above, below] = [BigInt(entry.quanta) * BigInt(unit), BigInt(entry.unit)];
  return String((above + below - 1n) / below);
}
