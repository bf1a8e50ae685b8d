import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import { readDate } from './date.ts';

/** The units that a field of a foreign log can be in, as powers of ten of a microsecond. */
export const UNITS = { ns: -3, us: 0, ms: 3, s: 6 } as const;
export type Unit = keyof typeof UNITS;

/** A time or a duration as a log has it: the truth lies within `errorUs` of `us`, both whole microseconds. */
export interface Widened {
  readonly us: number;
  /** One of its last digit: logs round either way. */
  readonly errorUs: number;
}

export interface TimeOptions {
  readonly field: string;
  /** Of numbers that name none themselves. */
  readonly unit: Unit | undefined;
  /** Of dates that name none themselves: `Z`, `+01:00`. */
  readonly zone?: string | undefined;
}

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

/** Decimal digits, times that power of ten, without floating point: 1795559409.216 s is 1795559409216000 us, within 1000. */
export function scaled(whole: string, fraction: string, power: number): Widened {
  const shift = power - fraction.length;
  const digits = BigInt(whole + fraction);
  const us = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  return { us: Number(us), errorUs: Math.max(1, 10 ** shift) };
}
