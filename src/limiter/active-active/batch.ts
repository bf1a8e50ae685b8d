import { OpenclawError } from '../../core/errors.ts';

/** What one region told of another's bucket: numbers as it wrote them. */
interface OutboxEntry {
  readonly bucket: string;
  readonly capacity: string;
  readonly refill: string;
  readonly at: string;
  readonly quanta: string;
  /** The life of the other region's memory in which it was spent. */
  readonly life: string;
}

/** The reply of `lua/active-read.lua`. */
export interface OutboxBatch {
  readonly life: string;
  readonly cursor: string;
  /** The id of the last entry there was when it was asked for. */
  readonly newest: string;
  /** How many entries were trimmed before they were read; at least, where the life is another. */
  readonly missed: number;
  readonly entries: readonly OutboxEntry[];
}

const FIELDS = 6;

/** Reads the reply of `lua/active-read.lua`. Throws REPLY_UNEXPECTED. */
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
    const [bucket = '', capacity = '', refill = '', at = '', quanta = '', life = ''] = rest
      .slice(i * FIELDS, (i + 1) * FIELDS)
      .map(String);
    return { bucket, capacity, refill, at, quanta, life };
  });
  return { life: String(life), cursor: String(cursor), newest: String(newest), missed, entries };
}

/**
 * By bucket the arguments that `lua/active-merge.lua` takes for it. Of what was told of one instant of a life the last
 * word is enough: it is the largest.
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
        ...[latest.capacity, latest.refill, String(instants.size)],
        ...[...instants.values()].flatMap(({ at, quanta, life }) => [at, quanta, life]),
      ],
    ]),
  );
}
