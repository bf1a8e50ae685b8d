/** Untrusted text for a message: quoted, on one line, control characters escaped, at most 60 characters. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'object' ? JSON.stringify(value) : String(value);
  const shown = printable(text);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

/** A value for a message. Only the keys of an object: it may be a client that refers to itself. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? `an object with ${namesOf(value)}` : quoted(value);
}

const MOST_NAMES = 10;

/** The names of the members of an object, or of the exports of a module. */
export function namesOf(members: object): string {
  const names = Object.keys(members);
  if (names.length === 0) return 'nothing';
  const more = names.length > MOST_NAMES ? `, and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).map(quoted).join(', ')}${more}`;
}

/** Characters that move the cursor, reverse the text, are invisible or start a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** GitHub Actions executes this command anywhere in a line, */
const COMMAND = /#(?=#\[)/g;
/** and this one at the start of a line. */
const LINE_COMMAND = /(?<=^\s*):(?=:)/;

/**
 * Untrusted text on one line; the commands of a terminal or a CI are escaped as in JSON. The result must not start a
 * line: a bucket may be called `::error::`, which is a command there.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped).replace(COMMAND, escaped);
}

/** The same for several lines: line breaks stay, and commands at the start of a line are escaped. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line).replace(LINE_COMMAND, escaped))
    .join('\n');
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}
