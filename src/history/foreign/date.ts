import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import { scaled, type TimeOptions, UNITS, type Widened } from './units.ts';

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const ZONE = '(Z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?)';
const ISO = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d)(?:[.,](\\d{1,9}))? ?${ZONE}?$`);
const COMMON = new RegExp(
  `^\\[?(\\d\\d)/(\\w{3})/(\\d{4}):(\\d\\d:\\d\\d:\\d\\d)(?:\\.(\\d{1,9}))?(?: ${ZONE})?\\]?$`,
);

/**
 * Reads an ISO 8601 date, as Postgres (`+00`) and BigQuery (` UTC`) write it too, or one of the common log format
 * (`02/Jan/2026:03:04:05 +0000`, nginx' `$time_local`). Throws RecordError.
 */
export function readDate(text: string, { field, zone: standard }: TimeOptions): Widened {
  const [, seconds, fraction = '', own] = ISO.exec(text) ?? commonDate(text);
  const zone = own ?? standard;
  if (seconds !== undefined && zone === undefined)
    throw new RecordError(
      `${field} is a date without a zone: give --zone UTC, or --zone +01:00; found ${quoted(text)}`,
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
