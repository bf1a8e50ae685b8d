import { RecordError } from '../fields.ts';

/** How a value in quotation marks is written: `\"` within it, or nothing escaped at all. */
const QUOTED = { escaped: /"((?:[^"\\]|\\.)*)"(?= |$)/y, raw: /"([^"]*)"(?= |$)/y };
const PLAIN = /[^ "]*(?= |$)/y;
const BRACKETED = /\[([^\]]*)\](?= |$)/y;

/**
 * The values of a line of text that are separated by single blanks, from `start` on: plain, in quotation marks or in
 * brackets. Throws RecordError for one whose end cannot be told.
 */
export function tokensOf(line: string, quoting: keyof typeof QUOTED, start = 0): string[] {
  const tokens: string[] = [];
  for (let at = start; at <= line.length; ) {
    const pattern = line[at] === '"' ? QUOTED[quoting] : line[at] === '[' ? BRACKETED : PLAIN;
    pattern.lastIndex = at;
    const [all, inside] = pattern.exec(line) ?? [];
    if (all === undefined) throw new RecordError(`the end of its value ${tokens.length + 1} cannot be told`);
    tokens.push(inside ?? all);
    at += all.length + 1;
  }
  return tokens;
}
