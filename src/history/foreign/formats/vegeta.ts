import { quoted } from '../../../core/printable.ts';
import { RecordError } from '../../records/fields.ts';
import { BrokenLine, type LineFields, type LineFormat, MappingError } from '../lines.ts';
import { decodeBytes } from '../names.ts';
import { checkedText, parseObject } from './json-lines.ts';
import { microsecondsOf, withNanoseconds } from './nanoseconds.ts';
import { parameterNames, parameterOf } from './query.ts';
import { splitCsv } from './split-csv.ts';

/** The columns of `vegeta encode --to csv`, which has no header line; later versions added the last three. */
const COLUMNS = [
  ...['timestamp', 'code', 'latency', 'bytes_out', 'bytes_in', 'error', 'body', 'attack', 'seq'],
  ...['method', 'url', 'headers'],
];
const FEWEST_COLUMNS = 9;
const UNANSWERED = '0';

/**
 * The output of `vegeta encode`: one JSON object per line, or comma-separated values. `timestamp` is the start of a
 * request and `latency` the nanoseconds until its reply was read, so it lies within [timestamp, timestamp + latency]. A
 * field is one of vegeta's, `headers.<name>` for a header of the reply, or `query.<name>` for a parameter of `url`.
 * vegeta records neither headers nor the body of a request. A request without a reply has the code 0.
 */
export function vegetaFormat(): LineFormat {
  let isCsv: boolean | undefined;
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      isCsv ??= !line.trimStart().startsWith('{');
      if (!isCsv) return new Hit(jsonSource(line));
      return line.startsWith('timestamp,') ? undefined : new Hit(csvSource(line));
    },
  };
}

/** The common interface of JSON and CSV. */
interface Source {
  text(name: string): string | undefined;
  timestamp(): string;
  header(name: string): string | undefined;
  /** Name, value, name, value. */
  headers(): readonly string[];
}

class Hit implements LineFields {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  textOf(field: string): string | undefined {
    const { text, timestamp, header } = this.#source;
    if (field === 'timestamp') return timestamp();
    if (field === 'latency_us') return microsecondsOf(text('latency') ?? '', 'latency');
    if (field.startsWith('headers.')) {
      if (text('code') === UNANSWERED)
        throw new RecordError(
          `a request without a reply has no ${quoted(field)}, so its bucket is unknown; use query.<name>`,
        );
      return header(field.slice('headers.'.length));
    }
    if (COLUMNS.includes(field)) return text(field);
    if (field.startsWith('query.')) return parameterOf(text('url'), field);
    throw new MappingError(
      `vegeta has no field ${quoted(field)}; its fields are ${COLUMNS.join(', ')}, headers.<name> and query.<name>`,
    );
  }

  names(): readonly string[] {
    return [...COLUMNS, ...parameterNames(this.#source.text('url'))];
  }

  replyHeaders(): readonly string[] {
    return this.#source.headers();
  }
}

function jsonSource(line: string): Source {
  const { value: result, text: source } = parseObject(line);
  const textOf = (value: unknown) =>
    typeof value === 'string'
      ? checkedText(value, source)
      : typeof value === 'number'
        ? String(value)
        : undefined;
  return {
    text: (name) => textOf(result[name]),
    timestamp: () => withNanoseconds(result.timestamp, 'timestamp'),
    header: (name) => textOf(headerOf(result.headers, name)),
    headers: () => headersOf(result.headers),
  };
}

function csvSource(line: string): Source {
  const values = splitCsv(line, ',');
  if (values.length < FEWEST_COLUMNS || values.length > COLUMNS.length)
    throw new BrokenLine(
      `expected the ${FEWEST_COLUMNS} to ${COLUMNS.length} columns of vegeta encode; found ${values.length}`,
    );
  const text = (name: string) => values[COLUMNS.indexOf(name)];
  const headers = () => decodeBytes(Buffer.from(text('headers') ?? '', 'base64'));
  return {
    text,
    timestamp: () => microsecondsOf(text('timestamp') ?? '', 'timestamp'),
    header: (name) => headerOfText(headers(), name),
    headers: () => headersOfText(headers()),
  };
}

/** The first value of a header; its name is case-insensitive. */
function headerOf(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  return Array.isArray(found) ? found[0] : found;
}

function headersOf(headers: unknown): string[] {
  if (typeof headers !== 'object' || headers === null) return [];
  return Object.entries(headers).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).flatMap((value) => [name, String(value)]),
  );
}

function headersOfText(lines: string): string[] {
  return lines.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1)];
  });
}

function headerOfText(lines: string, name: string): string | undefined {
  const start = `${name.toLowerCase()}:`;
  return lines
    .split(/\r?\n/)
    .find((line) => line.toLowerCase().startsWith(start))
    ?.slice(start.length)
    .trim();
}
