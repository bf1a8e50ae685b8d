import { quoted } from '../../core/printable.ts';
import { RecordError } from '../records/fields.ts';
import { scaled, type TimeOptions, UNITS, type Unit, type Widened } from './units.ts';

/** The unit that the name of a field ends in: `_ns`, `_us`, `_ms` or `_s`. */
export function unitOfName(field: string): Unit | undefined {
  const [, unit] = /_(ns|us|ms|s)$/.exec(field) ?? [];
  return unit as Unit | undefined;
}

const NUMBER = /^([+-]?)(\d{1,19})(?:\.(\d{1,18}))?(?:[eE]([+-]?\d{1,2}))? ?(ns|us|µs|μs|ms|s)?$/;

/**
 * Reads a time or a duration: a number with its own unit (`0.123s`) or in `unit`, or a date. Throws RecordError.
 */
export function readTime(text: string, options: TimeOptions): Widened {
  const { field } = options;
  const [, sign, whole, fraction = '', exponent = '0', named] = NUMBER.exec(text) ?? [];
  if (whole === undefined) {
    if (text === '-' || text === 'null') throw new RecordError(`${field} has no value: ${quoted(text)}`);
    if (/^\d[\d.]*,[\d.,]*\d$/.test(text))
      throw new RecordError(
        `${field} has a thousands or decimal comma; write it like 1234.5; found ${quoted(text)}`,
      );
    return readDate(text, options);
  }
  const unit = named === undefined ? options.unit : (named.replace(/^[µμ]/, 'u') as Unit);
  if (unit === undefined)
    throw new RecordError(
      `${field} is a number without a unit; rename it to end in _ns, _us, _ms or _s, or use --unit; found ${quoted(text)}`,
    );
  const read = scaled(whole, fraction, UNITS[unit] + Number(exponent));
  if (read.us + read.errorUs > Number.MAX_SAFE_INTEGER)
    throw new RecordError(`${field} is beyond 2^53 us, 285 years: is the unit right? found ${quoted(text)}`);
  return sign === '-' ? { us: -read.us, errorUs: read.errorUs } : read;
}

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const ZONE = '(Z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?)';
const ISO = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d)(?:[.,](\\d{1,9}))? ?${ZONE}?$`);
const COMMON = new RegExp(
  `^\\[?(\\d\\d)/(\\w{3})/(\\d{4}):(\\d\\d:\\d\\d:\\d\\d)(?:\\.(\\d{1,9}))?(?: ${ZONE})?\\]?$`,
);

/**
 * Reads an ISO 8601 date, also in the forms of Postgres (`+00`) and BigQuery (` UTC`), or a date of the common log
 * format (`02/Jan/2026:03:04:05 +0000`, nginx' `$time_local`). Throws RecordError.
 */
function readDate(text: string, { field, zone: standard }: TimeOptions): Widened {
  const [, seconds, fraction = '', own] = ISO.exec(text) ?? commonDate(text);
  const zone = own ?? standard;
  if (seconds !== undefined && zone === undefined)
    throw new RecordError(
      `${field} is a date without a zone; use --zone UTC, or --zone +01:00; found ${quoted(text)}`,
    );
  const ms =
    seconds === undefined ? Number.NaN : Date.parse(`${seconds.replace(' ', 'T')}${offsetOf(zone ?? 'Z')}`);
  if (Number.isNaN(ms))
    throw new RecordError(
      `${field} must be a number, an ISO 8601 date or nginx' $time_local; found ${quoted(text)}`,
    );
  const { us, errorUs } = scaled('0', fraction, UNITS.s);
  return { us: ms * 1_000 + us, errorUs };
}

/** As groups of an ISO date: all, seconds, fraction, zone. */
function commonDate(text: string): (string | undefined)[] {
  const [, day, month = '', year, clock, fraction, zone] = COMMON.exec(text) ?? [];
  const number = MONTHS.indexOf(month) / 3 + 1;
  if (day === undefined || !Number.isInteger(number) || number < 1) return [];
  return [text, `${year}-${String(number).padStart(2, '0')}-${day}T${clock}`, fraction, zone];
}

/** A zone as `Date.parse` reads it. */
function offsetOf(zone: string): string {
  if (!/^[+-]/.test(zone)) return 'Z';
  const digits = zone.replace(':', '').padEnd(5, '0');
  return `${digits.slice(0, 3)}:${digits.slice(3)}`;
}
