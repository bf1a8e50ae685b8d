import { printable, quoted } from '../../core/errors.ts';
import { isDeep, RecordError } from '../fields.ts';
import type { FieldOf } from './mapping.ts';

/** A line that broke off in the middle, when it is the last. */
export class BrokenLine extends RecordError {}

/** How the fields of one line are found; undefined for a line that has none. */
export type LineFormat = (line: string) => FieldOf | undefined;

/** Comma-separated values (RFC 4180) with named columns in the first line, or tabs where that has any; it must have `fields`. */
export function csvFormat(fields: readonly string[]): LineFormat {
  let columns: Map<string, number> | undefined;
  let delimiter = ',';
  return (line) => {
    if (columns === undefined) {
      delimiter = line.includes('\t') ? '\t' : ',';
      columns = new Map(
        splitCsv(line.replace(/^\ufeff/, ''), delimiter).map((name, at) => [name.trim(), at]),
      );
      for (const field of fields) if (!columns.has(field)) throw noColumn(field, columns);
      return undefined;
    }
    const names = columns;
    const values = splitCsv(line, delimiter);
    if (values.length !== names.size)
      throw new BrokenLine(`expected ${names.size} columns, found ${values.length}`);
    return (field) => {
      const at = names.get(field);
      if (at !== undefined) return values[at];
      throw noColumn(field, names);
    };
  };
}

function noColumn(field: string, columns: ReadonlyMap<string, number>): RecordError {
  return new RecordError(
    `there is no column ${quoted(field)}; there are ${printable([...columns.keys()].join(', '))}`,
  );
}

/** The values of one line (RFC 4180). Throws BrokenLine for a quotation mark that is not closed. */
export function splitCsv(line: string, delimiter: string): string[] {
  if (!line.includes('"')) return line.split(delimiter);
  const values: string[] = [];
  let at = 0;
  do {
    let value = '';
    if (line[at] === '"') {
      for (at++; line[at] !== '"' || line[at + 1] === '"'; at++) {
        if (at >= line.length) throw new BrokenLine('a quotation mark is not closed in its line');
        if (line[at] === '"') at++;
        value += line[at];
      }
      at++;
    } else {
      const end = line.indexOf(delimiter, at);
      value = line.slice(at, end === -1 ? undefined : end);
      at = end === -1 ? line.length : end;
    }
    values.push(value);
  } while (line[at++] === delimiter);
  return values;
}

/** One JSON object a line, as nginx and Envoy write access logs. A name with dots reaches into objects. */
export function accessLogFormat(): LineFormat {
  const patterns = new Map<string, RegExp>();
  return (line) => {
    if (line.trim() === '') return undefined;
    const value = parseObject(line);
    return (field) => {
      const found = value[field] ?? field.split('.').reduce<unknown>(inner, value);
      if (typeof found === 'number') return numberText(line, field, found, patterns);
      return typeof found === 'string' || typeof found === 'boolean' ? String(found) : undefined;
    };
  };
}

/** One JSON object. Throws BrokenLine for what is no JSON and RecordError for what is no object. */
export function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BrokenLine(`not JSON: ${printable(error instanceof Error ? error.message : String(error))}`);
  }
  if (isDeep(value)) throw new RecordError('lists and objects lie more than 32 deep in each other');
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new RecordError(`a line must be an object; found ${quoted(value)}`);
}

function inner(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** A number as it stands in the line: JSON.parse makes 0.12 of 0.120, and the last digit says how exact it is. */
function numberText(line: string, field: string, value: number, patterns: Map<string, RegExp>): string {
  const name = field.split('.').at(-1) ?? field;
  let pattern = patterns.get(name);
  if (pattern === undefined) {
    pattern = new RegExp(
      `"${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}"\\s*:\\s*(-?\\d+(?:\\.\\d+)?)[\\s,}]`,
    );
    patterns.set(name, pattern);
  }
  const text = pattern.exec(line)?.[1];
  return text !== undefined && Number(text) === value ? text : String(value);
}
