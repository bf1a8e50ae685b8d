import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import type { Operation } from '../operation.ts';
import { type LineFields, MappingError } from './lines.ts';
import { nameOf } from './names.ts';
import type { StatusReader } from './statuses.ts';
import { readTime, unitOfName } from './time.ts';
import { UNITS, type Unit, type Widened } from './units.ts';

/** Which fields of a foreign log mean what. Two of `start`, `end` and a length are given. */
export interface Mapping {
  /** Without, all requests are of one bucket. */
  readonly key?: string;
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  /** In the place of `duration`, for a log that has none: the longest that any request took. */
  readonly durationAtMostUs?: number;
  /** For times whose name does not end in one. */
  readonly unit?: Unit;
  /** For dates that name none. */
  readonly zone?: string;
  readonly status: string;
  readonly statuses: StatusReader;
  /** Tokens; every operation costs one without. */
  readonly cost?: string;
  readonly region?: string;
  /** Both ends of every interval are widened by this, for logs whose clocks are not one. */
  readonly clockSlackUs: number;
  /** So large a share of the lines of a file may be unusable, 0 to 1. */
  readonly unusableAtMost: number;
}

/** The bucket of a log without users. */
const ONE_BUCKET = 'all';

/** The name of the bucket; undefined where a line has no key, so that it concerns none. Throws RecordError. */
export function bucketOf(fields: LineFields, { key }: Mapping): string | undefined {
  if (key === undefined) return ONE_BUCKET;
  const name = fields.textOf(key);
  return name === undefined || name === '' || name === '-' ? undefined : nameOf(name);
}

/** Makes an operation of one line. Throws RecordError. */
export function operationOf(
  fields: LineFields,
  mapping: Mapping,
  { index, bucket }: { index: number; bucket: string },
): Operation {
  const { invokedUs, completedUs } = intervalOf(fields, mapping);
  const status = needed(fields, mapping.status);
  const meaning = mapping.statuses.read(status);
  const region = mapping.region === undefined ? '' : (fields.textOf(mapping.region) ?? '');
  const cost = mapping.cost === undefined ? 1 : costOf(fields, mapping.cost);
  const user = bucket;
  if (meaning === 'allowed' || meaning === 'denied')
    // an object of few shapes is made and read several times faster
    return {
      type: 'op',
      index,
      bucket,
      user,
      region,
      process: 0,
      cost,
      invokedUs,
      completedUs,
      outcome: meaning,
    };
  const open = { type: 'op', index, bucket, user, region, process: 0, cost, invokedUs } as const;
  const error = `STATUS_${status}`;
  return meaning === 'settled'
    ? { ...open, completedUs: null, outcome: 'info', error, latestUs: completedUs }
    : { ...open, completedUs: null, outcome: 'info', error };
}

/** When a request came that its line does not say. */
export const UNPLACED = Number.NEGATIVE_INFINITY;

/**
 * The power of ten of a microsecond that the times of a line are in; undefined where one is a date, or names its unit
 * itself, or where two units are said.
 */
export function unitPowerOf(fields: LineFields, { start, end, duration, unit }: Mapping): number | undefined {
  const used = [start, end, duration].filter((field) => field !== undefined);
  const isPlain = used.every((field) => /^[-+\d.]+$/.test(fields.textOf(field)?.trim() ?? ''));
  const units = new Set(used.map((field) => unitOfName(field) ?? unit));
  const [only] = units;
  return isPlain && units.size === 1 && only !== undefined ? UNITS[only] : undefined;
}

/** What an unusable line may have been: a request of its bucket that is charged at any time. */
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

/** Each time is widened by one of its last digit, both ways, and then by the slack of the clocks. */
function intervalOf(fields: LineFields, mapping: Mapping): { invokedUs: number; completedUs: number } {
  const { start, end, clockSlackUs, unit, zone } = mapping;
  const read = (field: string): Widened =>
    readTime(needed(fields, field), { field, unit: unitOfName(field) ?? unit, zone });
  const times = { start: start && read(start), end: end && read(end), length: lengthOf(mapping, read) };
  const from = times.start || sum(times.end || undefined, times.length, -1);
  const to = times.end || sum(times.start || undefined, times.length, 1);
  const invokedUs = from.us - from.errorUs - clockSlackUs;
  const completedUs = to.us + to.errorUs + clockSlackUs;
  if (completedUs < invokedUs)
    throw new RecordError(`it ends before it starts: ${to.us} us is before ${from.us} us`);
  return { invokedUs, completedUs };
}

function lengthOf(
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

/** Throws MappingError: what a request cost that cannot be read is not known, so no grant covers it. */
function costOf(fields: LineFields, field: string): number {
  const text = fields.textOf(field)?.trim() ?? '';
  const cost = Number(text);
  if (text !== '' && Number.isInteger(cost) && Math.abs(cost) < 2 ** 31) return cost;
  throw new MappingError(`${field} must be a whole number of tokens; found ${quoted(text)}`);
}
