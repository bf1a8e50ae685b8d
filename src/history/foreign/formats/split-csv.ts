import { RecordError } from '../../records/fields.ts';
import { BrokenLine } from '../lines.ts';

/** A quotation mark that is not closed in its line: the value may continue in the next. */
export class OpenQuote extends BrokenLine {}

/** The values of one record (RFC 4180). Throws OpenQuote, and RecordError for text after a closing mark. */
export function splitCsv(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const values: string[] = [];
  for (let at = 0; ; ) {
    const { value, end } = text[at] === '"' ? quotedValue(text, at) : plainValue(text, at, delimiter);
    values.push(value);
    if (end >= text.length) return values;
    if (!text.startsWith(delimiter, end)) throw new RecordError('text after a closing quotation mark');
    at = end + delimiter.length;
  }
}

function quotedValue(text: string, from: number): { value: string; end: number } {
  let value = '';
  for (let at = from + 1; ; ) {
    const mark = text.indexOf('"', at);
    if (mark === -1) throw new OpenQuote('a quotation mark is not closed');
    value += text.slice(at, mark);
    if (text[mark + 1] !== '"') return { value, end: mark + 1 };
    value += '"';
    at = mark + 2;
  }
}

function plainValue(text: string, from: number, delimiter: string): { value: string; end: number } {
  const end = text.indexOf(delimiter, from);
  return end === -1 ? { value: text.slice(from), end: text.length } : { value: text.slice(from, end), end };
}
