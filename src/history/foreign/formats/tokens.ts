import { RecordError } from '../../records/fields.ts';

/** The forms of a value in quotation marks: with escapes like `\"`, or without escapes. */
const QUOTED = { escaped: /"((?:[^"\\]|\\.)*)"(?= |$)/y, raw: /"([^"]*)"(?= |$)/y };
const PLAIN = /[^ "]*(?= |$)/y;
const BRACKETED = /\[([^\]]*)\](?= |$)/y;

/**
 * The values of a line of text from `start` on, separated by single blanks: plain, in quotation marks or in brackets.
 * Throws RecordError for a value without a recognisable end.
 */
export function splitTokens(line: string, quoting: keyof typeof QUOTED, start = 0): string[] {
  const tokens: string[] = [];
  for (let at = start; at <= line.length; ) {
    const pattern = line[at] === '"' ? QUOTED[quoting] : line[at] === '[' ? BRACKETED : PLAIN;
    pattern.lastIndex = at;
    const [all, inside] = pattern.exec(line) ?? [];
    if (all === undefined) throw new RecordError(`value ${tokens.length + 1} has no recognisable end`);
    tokens.push(inside ?? all);
    at += all.length + 1;
  }
  return tokens;
}
