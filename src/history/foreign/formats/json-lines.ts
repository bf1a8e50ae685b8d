import { printable, quoted } from '../../../core/printable.ts';
import { type Fields, isDeep, RecordError } from '../../records/fields.ts';
import { BrokenLine, type LineFields, type LineFormat } from '../lines.ts';
import { readByteEscapes } from '../names.ts';

/** One JSON object per line, as nginx, Envoy, Caddy and Traefik write. Dots in a name select nested fields. */
export function accessLogFormat(): LineFormat {
  const patterns = new Map<string, RegExp>();
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      return new JsonFields(parseObject(line), patterns);
    },
  };
}

class JsonFields implements LineFields {
  readonly #value: Fields;
  readonly #line: string;
  readonly #patterns: Map<string, RegExp>;

  constructor({ value, text }: ParsedLine, patterns: Map<string, RegExp>) {
    this.#value = value;
    this.#line = text;
    this.#patterns = patterns;
  }

  textOf(field: string): string | undefined {
    const whole = own(this.#value, field);
    const found = onlyOne(whole ?? field.split('.').reduce<unknown>(inner, this.#value), field);
    if (typeof found === 'number') return numberText(this.#line, field, found, this.#patterns);
    if (typeof found === 'string') return checkedText(found, this.#line);
    return typeof found === 'boolean' ? String(found) : undefined;
  }

  names(): readonly string[] {
    return namesIn(this.#value, '', 3);
  }
}

/** An object and its text. */
export interface ParsedLine {
  readonly value: Fields;
  readonly text: string;
}

/**
 * Parses one JSON object. Bytes may be escaped as `\xE9`, which is not JSON: nginx without `escape=json` and Apache write
 * it, and JSON has no other meaning for it. Throws BrokenLine for text that is not JSON and RecordError for a value that
 * is not an object.
 */
export function parseObject(line: string): ParsedLine {
  const { value, text } = parseJson(line.startsWith('\ufeff') ? line.slice(1) : line);
  if (isDeep(value)) throw new RecordError('lists and objects are nested more than 32 levels deep');
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { value: value as Fields, text };
  throw new RecordError(`a line must be an object; found ${quoted(value)}`);
}

function parseJson(line: string): { value: unknown; text: string } {
  try {
    return { value: JSON.parse(line), text: line };
  } catch (error) {
    const text = withJsonEscapes(line);
    if (text !== line) {
      try {
        return { value: JSON.parse(text), text };
      } catch {
        // the error for the original line is clearer
      }
    }
    const hint = text === line ? '' : '; nginx writes JSON with log_format ... escape=json';
    throw new BrokenLine(
      `not JSON: ${printable(error instanceof Error ? error.message : String(error))}${hint}`,
    );
  }
}

function withJsonEscapes(line: string): string {
  return readByteEscapes(line, {
    bytes: (decoded) => decoded.replace(/["\\\p{Cc}]/gu, inJson),
    others: (pair) => (pair === '\\v' ? inJson('\v') : pair),
  });
}

function inJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Checks a text from JSON. Throws RecordError for half a character, `\ud800`: different ones would look the same. */
export function checkedText(text: string, line: string): string {
  if (text.isWellFormed()) return text;
  if (line.isWellFormed() || /\\u[dD][89a-fA-F]/.test(line))
    throw new RecordError(`half a character, from an escape like \\ud800 without its pair: ${quoted(text)}`);
  return text; // its marks stand for bytes of the line that are not UTF-8
}

function own(value: Fields, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function inner(value: unknown, name: string): unknown {
  const within = Array.isArray(value) && !/^\d+$/.test(name) ? onlyOne(value, name) : value;
  return typeof within === 'object' && within !== null ? own(within as Fields, name) : undefined;
}

/** The element of a list with one; Caddy lists the values of a header. Throws RecordError for several. */
function onlyOne(value: unknown, field: string): unknown {
  if (!Array.isArray(value)) return value;
  if (value.length > 1)
    throw new RecordError(`${field} has ${value.length} values; select one, like ${field}.0`);
  return value[0];
}

function namesIn(value: Fields, prefix: string, depth: number): string[] {
  return Object.entries(value).flatMap(([name, each]) =>
    typeof each === 'object' && each !== null && !Array.isArray(each) && depth > 1
      ? namesIn(each as Fields, `${prefix}${name}.`, depth - 1)
      : [`${prefix}${name}`],
  );
}

/** A number with all its digits: JSON.parse reads 0.120 as 0.12, but the last digit shows its precision. */
function numberText(line: string, field: string, value: number, patterns: Map<string, RegExp>): string {
  const name = field.split('.').at(-1) ?? field;
  let pattern = patterns.get(name);
  if (pattern === undefined) {
    pattern = new RegExp(
      `"${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}"\\s*:\\s*(-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)[\\s,}]`,
    );
    patterns.set(name, pattern);
  }
  const text = pattern.exec(line)?.[1];
  return text !== undefined && Number(text) === value ? text : String(value);
}
