import { quoted } from '../../../core/printable.ts';
import { RecordError } from '../../records/fields.ts';

/**
 * Adds the trailing zeros to a time as Go writes it (RFC 3339, fraction without trailing zeros): its clock counts
 * nanoseconds, so the missing digits are zeros. Throws RecordError.
 */
export function withNanoseconds(time: unknown, field: string): string {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(
      typeof time === 'string' ? time : '',
    ) ?? [];
  if (seconds !== undefined) return `${seconds}.${fraction.padEnd(9, '0')}${zone}`;
  throw new RecordError(`${field} must be a time like 2026-11-25T10:00:00.123Z; found ${quoted(time)}`);
}

/** Whole nanoseconds as microseconds with three decimals. Throws RecordError. */
export function microsecondsOf(nanoseconds: string, field: string): string {
  if (/^\d{1,19}$/.test(nanoseconds)) {
    const digits = nanoseconds.padStart(4, '0');
    return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
  }
  throw new RecordError(`${field} must be whole nanoseconds; found ${quoted(nanoseconds)}`);
}
