import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Path } from './problems.ts';

/** A place in the text, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface PlacedText extends Place {
  readonly text: string;
}

/** YAML text as a value, and where its parts stand. */
export interface ReadDocument {
  /** Lists, mappings, text, numbers, booleans and null; undefined if there are problems. */
  readonly value: unknown;
  readonly problems: readonly PlacedText[];
  /** Where the value at this path stands, or its key; of what is missing, the nearest part around it. */
  locate(path: Path, options?: { isKey?: boolean }): Place;
}

const MOST_CHARACTERS = 1_000_000;
const TOO_DEEP = 'lists and mappings are nested too deeply';

/** How the parser reports its own stack: as an error of the text. */
const STACK_OVERFLOW = /call stack/;

/** Reads one YAML document. Never throws: what is wrong with the text is in `problems`. */
export function readDocument(text: string): ReadDocument {
  if (text.length > MOST_CHARACTERS) {
    return unreadable(`a scenario has at most ${MOST_CHARACTERS} characters; this file has ${text.length}`);
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    if (document.errors.some(({ message }) => STACK_OVERFLOW.test(message))) return unreadable(TOO_DEEP);
    const problems = [...document.errors, ...document.warnings, ...aliasesOf(document)].map(
      ({ message, pos: [offset] }) => ({
        ...placeAt(lines, offset),
        text: oneLine(message).replace(/; please use YAML.*/, ': a scenario is one'),
      }),
    );
    return {
      value: problems.length > 0 ? undefined : document.toJS(),
      problems,
      locate: (path, { isKey = false } = {}) => placeAt(lines, offsetOf(document.contents, path, isKey)),
    };
  } catch (error) {
    if (error instanceof RangeError) return unreadable(TOO_DEEP); // the stack
    throw error;
  }
}

function unreadable(text: string): ReadDocument {
  const top = { line: 1, column: 1 };
  return { value: undefined, problems: [{ ...top, text }], locate: () => top };
}

/** Aliases can make a small file a huge or an endless value, and errors in it have no place of their own. */
function aliasesOf(document: Document): { message: string; pos: [number] }[] {
  const found: { message: string; pos: [number] }[] = [];
  visit(document, {
    Alias: (_key, { range }) => {
      found.push({ message: 'aliases (*name) are not read: write the value out', pos: [range?.[0] ?? 0] });
    },
  });
  return found;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** A scalar is found where it stands, a list or a mapping at its key, where one looks for it. */
function offsetOf(contents: unknown, path: Path, isKey: boolean): number {
  let offset = startOf(contents) ?? 0;
  let inside: unknown = contents;
  for (const [depth, step] of path.entries()) {
    const isWanted = isKey && depth === path.length - 1;
    if (isMap(inside)) {
      const pair = inside.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      inside = pair.value;
      offset = (isScalar(inside) && !isWanted ? startOf(inside) : startOf(pair.key)) ?? offset;
    } else if (isSeq(inside) && typeof step === 'number') {
      inside = inside.items[step];
      offset = startOf(inside) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
