import { printable, quoted } from '../../../core/printable.ts';
import { RecordError } from '../../records/fields.ts';
import { BrokenLine, type LineFields, type LineFormat, MappingError } from '../lines.ts';
import { OpenQuote, splitCsv } from './split-csv.ts';

const DELIMITERS = ['\t', ';', ', ', ',', '|'] as const;

/** The most lines of a quoted value; a longer one is a quotation mark that was never closed. */
const MOST_LINES = 200;

interface Columns {
  readonly names: readonly string[];
  readonly at: ReadonlyMap<string, number>;
  readonly delimiter: string;
  /** The first line; joined files repeat it in the middle. */
  readonly text: string;
}

/**
 * Values with named columns in the first line, separated by commas (RFC 4180), commas and blanks, tabs, semicolons or
 * bars, whichever gives all of `fields`. Lines before it that begin with `#` are comments. Quoted values may span lines.
 */
export function csvFormat(fields: readonly string[]): LineFormat {
  let columns: Columns | undefined;
  let pending: string[] = [];
  return {
    read(line) {
      if (columns === undefined) {
        columns = readColumns(line, fields);
        return undefined;
      }
      if (pending.length === 0 && line === columns.text) return undefined;
      pending.push(line);
      try {
        const record = new Row(columns, splitValues(pending.join('\n'), columns));
        pending = [];
        return record;
      } catch (error) {
        if (error instanceof OpenQuote && pending.length < MOST_LINES) return undefined;
        const lines = pending.length;
        pending = [];
        if (lines > 1 && error instanceof RecordError)
          throw new MappingError(
            `${error.message}, in a record of ${lines} lines: perhaps a quotation mark is missing`,
          );
        throw error;
      }
    },
    end() {
      if (pending.length > 0) throw new BrokenLine('a quotation mark is not closed');
    },
  };
}

class Row implements LineFields {
  readonly #columns: Columns;
  readonly #values: readonly string[];

  constructor(columns: Columns, values: readonly string[]) {
    this.#columns = columns;
    this.#values = values;
  }

  textOf(field: string): string | undefined {
    return this.#values[this.#columns.at.get(field) ?? -1];
  }

  names(): readonly string[] {
    return this.#columns.names;
  }
}

/** The columns that a line names; undefined for a comment. Throws MappingError where one of `fields` is missing. */
function readColumns(line: string, fields: readonly string[]): Columns | undefined {
  const text = line.replace(/^\ufeff/, '');
  const candidates = text.startsWith('#') ? [text, text.replace(/^#+ */, '')] : [text];
  const readings = candidates.flatMap((candidate) =>
    DELIMITERS.map((each) => columnsOf(candidate, each, line)),
  );
  const found = readings.find(({ at }) => fields.every((field) => at.has(field)));
  if (found?.at.has('metric_name') && found.at.has('metric_value'))
    throw new MappingError('its rows are metrics, not requests');
  if (found !== undefined) return withoutDoubles(found, fields);
  if (text.startsWith('#')) return undefined;
  const likely = readings.reduce((most, next) => (next.names.length > most.names.length ? next : most));
  throw noColumn(fields.find((field) => !likely.at.has(field)) ?? '', likely.names);
}

function columnsOf(candidate: string, delimiter: string, text: string): Columns {
  const names = splitCsv(candidate, delimiter).map((name) => name.trim());
  return { names, at: new Map(names.map((name, at) => [name, at])), delimiter, text };
}

function withoutDoubles(columns: Columns, fields: readonly string[]): Columns {
  const double = fields.find((field) => columns.names.indexOf(field) !== columns.names.lastIndexOf(field));
  if (double === undefined) return columns;
  throw new MappingError(`two columns have the name ${quoted(double)}: rename one of them`);
}

function noColumn(field: string, names: readonly string[]): MappingError {
  const isData = names.some((name) => /^[\d.:TZ -]+$/.test(name));
  const why = isData ? '; the first line must name the columns' : '';
  return new MappingError(
    `there is no column ${quoted(field)}; columns: ${printable(names.join(', '))}${why}`,
  );
}

/**
 * If the first line has a blank after each comma, the blank belongs to the comma, and other lines may have none of them.
 * A line with some is refused: it is unknown whether such a blank belongs to the value.
 */
function splitValues(text: string, { names, delimiter }: Columns): string[] {
  let values = splitCsv(text, delimiter);
  if (values.length !== names.length && delimiter === ', ') {
    values = splitCsv(text, ',');
    if (values.length === names.length && values.some((value) => value.startsWith(' ')))
      throw new RecordError('some of its commas are followed by a blank and others are not');
  }
  if (values.length === names.length) return values;
  throw new BrokenLine(`expected ${names.length} columns, found ${values.length}`);
}
