import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';

/** The units that a field of a foreign log can be in. */
export const UNITS = { us: 1, ms: 1_000, s: 1_000_000 } as const;
export type Unit = keyof typeof UNITS;

/** A time or a duration as a log has it: the truth lies within `errorUs` of `us`, both whole microseconds. */
export interface Widened {
  readonly us: number;
  /** One of its last digit: logs round either way. */
  readonly errorUs: number;
}

/** The unit that the name of a field ends in: `_us`, `_ms` or `_s`. */
export function unitOfName(field: string): Unit | undefined {
  const [, unit] = /_(us|ms|s)$/.exec(field) ?? [];
  return unit as Unit | undefined;
}

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/**
 * Reads a time or a duration: a number in `unit`, an ISO 8601 date with its offset, or nginx' `$time_local`
 * (`02/Jan/2026:03:04:05 +0000`). Throws RecordError.
 */
export function readTime(text: string, { field, unit }: { field: string; unit: Unit | undefined }): Widened {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d{1,16})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === undefined) return readDate(text, field);
  if (unit === undefined) {
    throw new RecordError(
      `${field} is a number without a unit: name it ..._us, ..._ms or ..._s, or give --unit; found ${quoted(text)}`,
    );
  }
  const magnitude = scaled(whole, fraction, unit);
  return sign === '' ? magnitude : { us: -magnitude.us, errorUs: magnitude.errorUs };
}

/** Decimal digits to microseconds without floating point: 1795559409.216 s is 1795559409216000 us, within 1000. */
function scaled(whole: string, fraction: string, unit: Unit): Widened {
  const places = { us: 0, ms: 3, s: 6 }[unit];
  const padded = fraction.padEnd(places, '0');
  const us = Number(BigInt(whole + padded.slice(0, places)));
  return { us, errorUs: Math.max(1, 10 ** (places - fraction.length)) };
}

function readDate(text: string, field: string): Widened {
  const [, seconds, fraction = '', offset] =
    /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)$/.exec(text) ?? nginxDate(text);
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds.replace(' ', 'T')}${colon(offset)}`);
  if (Number.isNaN(ms)) {
    throw new RecordError(
      `${field} must be a number, an ISO 8601 date with Z or an offset, or nginx' $time_local; found ${quoted(text)}`,
    );
  }
  const { us, errorUs } = scaled('0', fraction, 's');
  return { us: ms * 1_000 + us, errorUs };
}

function nginxDate(text: string): (string | undefined)[] {
  const [, day, month = '', year, clock, offset] =
    /^\[?(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\]?$/.exec(text) ?? [];
  const number = MONTHS.indexOf(month) / 3 + 1;
  if (day === undefined || !Number.isInteger(number)) return [];
  return [text, `${year}-${String(number).padStart(2, '0')}-${day}T${clock}`, '', offset];
}

function colon(offset = 'Z'): string {
  return offset === 'Z' || offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
}
