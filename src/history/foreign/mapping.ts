import { quoted } from '../../core/printable.ts';
import { RecordError } from '../records/fields.ts';
import type { Operation } from '../records/operation.ts';
import { type LineFields, MappingError } from './lines.ts';
import { nameOf } from './names.ts';
import type { StatedFields, StatedMapping } from './stated-fields.ts';
import type { StatusReader } from './statuses.ts';
import { readTime, unitOfName } from './time.ts';
import { UNITS, type Unit, type Widened } from './units.ts';

/** The meaning of a foreign log's fields. Two of `start`, `end` and a duration are given. */
export interface Mapping {
  /** Absent: all requests share one bucket. */
  readonly key?: string;
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  /** Instead of `duration`, for a log without one: the longest that any request took. */
  readonly durationAtMostUs?: number;
  /** For time fields whose name does not end in a unit. */
  readonly unit?: Unit;
  /** For dates without a zone. */
  readonly zone?: string;
  readonly status: string;
  readonly statuses: StatusReader;
  /** The field of the cost in tokens; absent: every operation costs one. */
  readonly cost?: string;
  readonly region?: string;
  /** Absent: fields that are named like a header. */
  readonly stated?: StatedMapping;
  /** Both ends of every interval are widened by this, for logs written by several clocks. */
  readonly clockSlackUs: number;
  /** The share of a file's lines that may be unusable, 0 to 1. */
  readonly unusableAtMost: number;
}

/** The bucket of a log without users. */
const ONE_BUCKET = 'all';

/** The name of the bucket; undefined if the line has no key. Throws RecordError. */
export function bucketOf(fields: LineFields, { key }: Mapping): string | undefined {
  if (key === undefined) return ONE_BUCKET;
  const name = fields.textOf(key);
  return name === undefined || name === '' || name === '-' ? undefined : nameOf(name);
}

/** Makes an operation from one line. Throws RecordError. */
export function makeOperation(
  fields: LineFields,
  mapping: Mapping,
  { index, bucket, stated: from }: { index: number; bucket: string; stated: StatedFields },
): Operation {
  const { invokedUs, completedUs } = computeInterval(fields, mapping);
  const status = needed(fields, mapping.status);
  const meaning = mapping.statuses.read(status);
  const region = mapping.region === undefined ? '' : (fields.textOf(mapping.region) ?? '');
  const cost = mapping.cost === undefined ? 1 : costOf(fields, mapping.cost);
  const user = bucket;
  if (meaning === 'allowed' || meaning === 'denied') {
    // an object of few shapes is made and read several times faster
    const outcome = meaning;
    const all = {
      type: 'op',
      index,
      bucket,
      user,
      region,
      process: 0,
      cost,
      invokedUs,
      completedUs,
    } as const;
    const stated = from.read(fields, outcome);
    return stated === undefined ? { ...all, outcome } : { ...all, outcome, stated };
  }
  const open = { type: 'op', index, bucket, user, region, process: 0, cost, invokedUs } as const;
  const error = `STATUS_${status}`;
  return meaning === 'settled'
    ? { ...open, completedUs: null, outcome: 'info', error, latestUs: completedUs }
    : { ...open, completedUs: null, outcome: 'info', error };
}

/** The time of a request whose line has no readable time. */
export const UNPLACED = Number.NEGATIVE_INFINITY;

/**
 * The unit of a line's times, as a power of ten of a microsecond; undefined if one is a date or contains its unit, or if
 * there are two units.
 */
export function unitPowerOf(fields: LineFields, { start, end, duration, unit }: Mapping): number | undefined {
  const used = [start, end, duration].filter((field) => field !== undefined);
  const isPlain = used.every((field) => /^[-+\d.]+$/.test(fields.textOf(field)?.trim() ?? ''));
  const units = new Set(used.map((field) => unitOfName(field) ?? unit));
  const [only] = units;
  return isPlain && units.size === 1 && only !== undefined ? UNITS[only] : undefined;
}

/** Makes the operation of an unusable line: a request that may charge its bucket at any time. */
export function unplacedOperation(
  fields: LineFields,
  mapping: Mapping,
  { index, bucket }: { index: number; bucket: string },
): Operation {
  return {
    ...{ type: 'op', index, bucket, user: bucket, region: '', process: 0, outcome: 'info' },
    cost: mapping.cost === undefined ? 1 : costOf(fields, mapping.cost),
    ...{ invokedUs: UNPLACED, completedUs: null, error: 'UNUSABLE_LINE' },
  };
}

/** Each time is widened by one unit of its last digit in both directions, and then by the slack of the clocks. */
function computeInterval(fields: LineFields, mapping: Mapping): { invokedUs: number; completedUs: number } {
  const { start, end, clockSlackUs, unit, zone } = mapping;
  const read = (field: string): Widened =>
    readTime(needed(fields, field), { field, unit: unitOfName(field) ?? unit, zone });
  const times = { start: start && read(start), end: end && read(end), length: readLength(mapping, read) };
  const from = times.start || sum(times.end || undefined, times.length, -1);
  const to = times.end || sum(times.start || undefined, times.length, 1);
  const invokedUs = from.us - from.errorUs - clockSlackUs;
  const completedUs = to.us + to.errorUs + clockSlackUs;
  if (completedUs < invokedUs)
    throw new RecordError(`it ends before it starts: ${to.us} us is before ${from.us} us`);
  return { invokedUs, completedUs };
}

function readLength(
  { duration, durationAtMostUs }: Mapping,
  read: (field: string) => Widened,
): Widened | undefined {
  if (duration === undefined)
    return durationAtMostUs === undefined ? undefined : { us: durationAtMostUs, errorUs: 0 };
  const length = read(duration);
  if (length.us >= 0) return length;
  throw new RecordError(`${duration} must not be negative; found ${length.us} us`);
}

function sum(time: Widened | undefined, length: Widened | undefined, sign: 1 | -1): Widened {
  if (time === undefined || length === undefined)
    throw new MappingError('two of start, end and duration are needed');
  return { us: time.us + sign * length.us, errorUs: time.errorUs + length.errorUs };
}

function needed(fields: LineFields, field: string): string {
  const text = fields.textOf(field)?.trim();
  if (text === undefined || text === '') throw new RecordError(`the field ${quoted(field)} is missing`);
  return text;
}

/** Throws MappingError if the cost is unreadable: no allowance for unusable lines covers an unknown cost. */
function costOf(fields: LineFields, field: string): number {
  const text = fields.textOf(field)?.trim() ?? '';
  const cost = Number(text);
  if (text !== '' && Number.isInteger(cost) && Math.abs(cost) < 2 ** 31) return cost;
  throw new MappingError(`${field} must be a whole number of tokens; found ${quoted(text)}`);
}
