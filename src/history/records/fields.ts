import { quoted } from '../../core/printable.ts';

/** Why a line is not a record; the reader adds file and line. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

export type Fields = Readonly<Record<string, unknown>>;

/** The functions below read fields: each throws RecordError with the expected form and the value found. */
export function asObject(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RecordError(`${name} must be an object; found ${quoted(value)}`);
}

/** Whether a value has more nested lists and objects than any record: printing it would need a stack as deep. */
export function isDeep(value: unknown, most = 32): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return most === 0 || Object.values(value).some((inner) => isDeep(inner, most - 1));
}

export function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new RecordError(`${name} must be a text; found ${quoted(value)}`);
  return checkWellFormed(value, name);
}

/** A lone surrogate has no UTF-8 form: different texts with one would become equal. */
export function checkWellFormed(value: string, name: string): string {
  if (value.isWellFormed()) return value;
  throw new RecordError(`${name} must be well-formed Unicode text; found ${quoted(value)}`);
}

export function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  throw new RecordError(`${name} must be a number within 2^53; found ${quoted(value)}`);
}

export function whole(fields: Fields, name: string, most: number): number {
  const value = number(fields, name);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RecordError(`${name} must be a whole number from 0 to ${most}; found ${value}`);
}

export function cost(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  throw new RecordError(`${name} must be a whole number of tokens below 2^31; found ${value}`);
}

export function optional<T>(
  fields: Fields,
  name: string,
  read: (fields: Fields, name: string) => T,
): T | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : read(fields, name);
}
