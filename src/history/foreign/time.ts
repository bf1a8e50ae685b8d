import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import { readDate } from './date.ts';
import { scaled, type TimeOptions, UNITS, type Unit, type Widened } from './units.ts';

/** The unit that the name of a field ends in: `_ns`, `_us`, `_ms` or `_s`. */
export function unitOfName(field: string): Unit | undefined {
  const [, unit] = /_(ns|us|ms|s)$/.exec(field) ?? [];
  return unit as Unit | undefined;
}

const NUMBER = /^([+-]?)(\d{1,19})(?:\.(\d{1,18}))?(?:[eE]([+-]?\d{1,2}))? ?(ns|us|µs|μs|ms|s)?$/;

/**
 * Reads a time or a duration: a number, of the unit that it names (`0.123s`), else of `unit`, or a date. Throws
 * RecordError.
 */
export function readTime(text: string, options: TimeOptions): Widened {
  const { field } = options;
  const [, sign, whole, fraction = '', exponent = '0', named] = NUMBER.exec(text) ?? [];
  if (whole === undefined) {
    if (text === '-' || text === 'null') throw new RecordError(`${field} has no value: ${quoted(text)}`);
    if (/^\d[\d.]*,[\d.,]*\d$/.test(text))
      throw new RecordError(
        `${field} has a comma, of thousands or of decimals: write 1234.5; found ${quoted(text)}`,
      );
    return readDate(text, options);
  }
  const unit = named === undefined ? options.unit : (named.replace(/^[µμ]/, 'u') as Unit);
  if (unit === undefined)
    throw new RecordError(
      `${field} is a number without a unit: name it ..._ns, ..._us, ..._ms or ..._s, or give --unit; found ${quoted(text)}`,
    );
  const read = scaled(whole, fraction, UNITS[unit] + Number(exponent));
  if (read.us + read.errorUs > Number.MAX_SAFE_INTEGER)
    throw new RecordError(`${field} is beyond 2^53 us, 285 years: is the unit right? found ${quoted(text)}`);
  return sign === '-' ? { us: -read.us, errorUs: read.errorUs } : read;
}
