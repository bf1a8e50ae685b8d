import { RecordError } from '../../records/fields.ts';
import type { LineFormat } from '../lines.ts';
import { readByteEscapes } from '../names.ts';
import { TextLine } from './text-line.ts';
import { splitTokens } from './tokens.ts';

const NAMES = [
  ...['remote_addr', 'remote_ident', 'remote_user', 'time_local', 'request', 'status', 'body_bytes_sent'],
  ...['http_referer', 'http_user_agent'],
];
const OF_COMMON = 7;

/** A user may contain blanks, but no quotation mark (those are escaped), so the brackets before one hold the time. */
const START = /^(\S+) (\S+) (.+?) (\[\d\d\/\w{3}\/\d{4}:[\d:]{8} [+-]\d{4}\]) (?=")/;

/** Apache's escapes other than `\xhh`. */
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '\\"': '"', '\\\\': '\\', '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\b': '\b', '\\v': '\v' },
};

/**
 * The combined and the common log format of nginx and Apache. Fields have nginx' names; those after the user agent are
 * called `10`, `11` and so on; `query.<name>` is a parameter of the address. The time has whole seconds: nginx takes it
 * when the reply was sent, Apache when the request came. There is no duration.
 */
export function combinedFormat(): LineFormat {
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      const [start, ...values] = START.exec(line) ?? [];
      if (start === undefined)
        throw new RecordError(
          'not in the combined format: address - user [time] "request" status bytes "referer" "user agent"',
        );
      const tokens = [...values, ...splitTokens(line, 'escaped', start.length)];
      if (tokens.length < OF_COMMON)
        throw new RecordError(
          `expected at least ${OF_COMMON} values of the common format; found ${tokens.length}`,
        );
      const names = tokens.map((_, at) => NAMES[at] ?? String(at + 1));
      return new TextLine(names, tokens.map(unescaped));
    },
  };
}

function unescaped(value: string): string {
  if (!value.includes('\\')) return value;
  return readByteEscapes(value, { bytes: (decoded) => decoded, others: (pair) => ESCAPES[pair] ?? pair });
}
