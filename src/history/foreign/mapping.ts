import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import type { Operation, Outcome } from '../operation.ts';
import type { StatusPattern } from './status.ts';
import { readTime, type Unit, unitOfName, type Widened } from './time.ts';

/** Which fields of a foreign log mean what. Two of `start`, `end` and `duration` are given. */
export interface Mapping {
  readonly key: string;
  readonly start?: string;
  readonly end?: string;
  readonly duration?: string;
  /** For times whose name does not end in one. */
  readonly unit?: Unit;
  readonly status: string;
  readonly allow: StatusPattern;
  readonly deny: StatusPattern;
  /** The status of a request that got no reply: it may still be charged, nobody knows until when. */
  readonly unanswered?: string;
  /** Tokens; every operation costs one without. */
  readonly cost?: string;
  readonly region?: string;
  /** Both ends of every interval are widened by this, for logs whose clocks are not one. */
  readonly clockSlackUs: number;
}

/** The text of a field of one line, or undefined where it has none. */
export type FieldOf = (field: string) => string | undefined;

/**
 * Makes an operation of one line; undefined when it has no key, so that it concerns no bucket. A status that is
 * neither allowed nor denied may have been charged, until the reply came: `info`. Throws RecordError.
 */
export function mapLine(fieldOf: FieldOf, mapping: Mapping, index: number): Operation | undefined {
  const bucket = fieldOf(mapping.key);
  if (bucket === undefined || bucket === '' || bucket === '-') return undefined;
  const { invokedUs, completedUs } = intervalOf(fieldOf, mapping);
  const status = needed(fieldOf, mapping.status);
  const outcome = outcomeOf(status, mapping);
  const unknown = {
    error: `STATUS_${status}`,
    ...(status !== mapping.unanswered && { latestUs: completedUs }),
  };
  return {
    type: 'op',
    index,
    bucket,
    user: bucket,
    region: mapping.region === undefined ? '' : (fieldOf(mapping.region) ?? ''),
    process: 0,
    cost: mapping.cost === undefined ? 1 : costOf(needed(fieldOf, mapping.cost), mapping.cost),
    invokedUs,
    completedUs: outcome === 'info' ? null : completedUs,
    outcome,
    ...(outcome === 'info' ? unknown : {}),
  };
}

/** Each time is widened by one of its last digit, both ways, and then by the slack of the clocks. */
function intervalOf(fieldOf: FieldOf, mapping: Mapping): { invokedUs: number; completedUs: number } {
  const { start, end, duration, clockSlackUs } = mapping;
  const read = (field: string): Widened =>
    readTime(needed(fieldOf, field), { field, unit: unitOfName(field) ?? mapping.unit });
  const times = { start: start && read(start), end: end && read(end), length: duration && read(duration) };
  const from = times.start || sum(times.end || undefined, times.length || undefined, -1);
  const to = times.end || sum(times.start || undefined, times.length || undefined, 1);
  const invokedUs = from.us - from.errorUs - clockSlackUs;
  const completedUs = to.us + to.errorUs + clockSlackUs;
  if (completedUs < invokedUs)
    throw new RecordError(`it ends before it starts: ${to.us} us is before ${from.us} us`);
  return { invokedUs, completedUs };
}

function sum(time: Widened | undefined, length: Widened | undefined, sign: 1 | -1): Widened {
  if (time === undefined || length === undefined)
    throw new RecordError('two of start, end and duration are needed');
  return { us: time.us + sign * length.us, errorUs: time.errorUs + length.errorUs };
}

function needed(fieldOf: FieldOf, field: string): string {
  const text = fieldOf(field);
  if (text === undefined || text === '') throw new RecordError(`the field ${quoted(field)} is missing`);
  return text;
}

function costOf(text: string, field: string): number {
  const cost = Number(text);
  if (Number.isInteger(cost) && Math.abs(cost) < 2 ** 31) return cost;
  throw new RecordError(`${field} must be a whole number of tokens; found ${quoted(text)}`);
}

function outcomeOf(status: string, { allow, deny }: Mapping): Outcome {
  const isAllowed = allow(status);
  if (isAllowed && deny(status))
    throw new RecordError(`a status that means allowed and denied, by --allow and --deny: ${quoted(status)}`);
  return isAllowed ? 'allowed' : deny(status) ? 'denied' : 'info';
}
