import { quoted } from '../../core/errors.ts';
import { RecordError } from '../fields.ts';
import { BrokenLine, type LineFormat, parseObject, splitCsv } from './lines-of.ts';
import type { FieldOf } from './mapping.ts';
import { microsecondsOf, parameterOf, withNanoseconds } from './nanoseconds.ts';

/** The columns of `vegeta encode --to csv`, which has no line of names; the last three came with later versions. */
const COLUMNS = [
  ...['timestamp', 'code', 'latency', 'bytes_out', 'bytes_in', 'error', 'body', 'attack', 'seq'],
  ...['method', 'url', 'headers'],
];
const FEWEST_COLUMNS = 9;
const UNANSWERED = '0';

/**
 * What `vegeta encode` writes: one JSON object a line, or comma-separated values. `timestamp` is when a request was
 * begun and `latency` how long it took until its reply had been read, in nanoseconds, so it lies within
 * [timestamp, timestamp + latency]. A field is the name of one of vegeta's, `headers.<name>` for a header of the reply,
 * or `query.<name>` for a parameter of `url`: vegeta keeps neither header nor body of a request. A request without a
 * reply has the code 0.
 */
export function vegetaFormat(): LineFormat {
  let isCsv: boolean | undefined;
  return (line) => {
    if (line.trim() === '') return undefined;
    isCsv ??= !line.trimStart().startsWith('{');
    if (isCsv) return line.startsWith('timestamp,') ? undefined : fieldsOfCsv(line);
    const result = parseObject(line);
    return fieldsOf((name) => textOf(result[name]), {
      timestamp: () => withNanoseconds(result.timestamp, 'timestamp'),
      header: (name) => headerOf(result.headers, name),
    });
  };
}

function fieldsOfCsv(line: string): FieldOf {
  const values = splitCsv(line, ',');
  if (values.length < FEWEST_COLUMNS || values.length > COLUMNS.length) {
    throw new BrokenLine(
      `expected the ${FEWEST_COLUMNS} to ${COLUMNS.length} columns of vegeta encode; found ${values.length}`,
    );
  }
  const text = (name: string) => values[COLUMNS.indexOf(name)];
  return fieldsOf(text, {
    timestamp: () => microsecondsOf(text('timestamp') ?? '', 'timestamp'),
    header: (name) => headerOfText(Buffer.from(text('headers') ?? '', 'base64').toString('utf8'), name),
  });
}

function fieldsOf(
  text: (name: string) => string | undefined,
  { timestamp, header }: { timestamp(): string; header(name: string): string | undefined },
): FieldOf {
  return (field) => {
    if (field === 'timestamp') return timestamp();
    if (field === 'latency_us') return microsecondsOf(text('latency') ?? '', 'latency');
    if (field.startsWith('headers.')) {
      if (text('code') === UNANSWERED)
        throw new RecordError(
          `a request without a reply has no ${quoted(field)}, so whose it was is not known: name it by query.<name>`,
        );
      return header(field.slice('headers.'.length));
    }
    if (COLUMNS.includes(field)) return text(field);
    const parameter = parameterOf(text('url'), field);
    if (parameter !== undefined || field.startsWith('query.')) return parameter;
    throw new RecordError(
      `vegeta has no field ${quoted(field)}; there are ${COLUMNS.join(', ')}, headers.<name> and query.<name>`,
    );
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The first value of a header, whatever the case of its name. */
function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  return textOf(Array.isArray(found) ? found[0] : found);
}

function headerOfText(lines: string, name: string): string | undefined {
  const start = `${name.toLowerCase()}:`;
  return lines
    .split(/\r?\n/)
    .find((line) => line.toLowerCase().startsWith(start))
    ?.slice(start.length)
    .trim();
}
