import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { type Path, type Problem, problemText } from './problems.ts';

/** A place in the text; line and column start at 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface PlacedText extends Place {
  readonly text: string;
}

/** YAML text as a value, and the places of its parts. */
export interface ReadDocument {
  /** Lists, mappings, text, numbers, booleans and null; undefined if there are problems. */
  readonly value: unknown;
  readonly problems: readonly PlacedText[];
  /** The place of the value at this path, or of its key; for a missing one, that of the nearest enclosing part. */
  locate(path: Path, options?: { isKey?: boolean }): Place;
}

const MOST_CHARACTERS = 1_000_000;
const TOO_DEEP = 'lists and mappings are nested too deeply';

/** The parser reports its own stack overflow as an error of the text. */
const STACK_OVERFLOW = /call stack/;

/** Reads one YAML document. Never throws: errors of the text are in `problems`. */
export function readDocument(text: string, { what = 'a scenario' } = {}): ReadDocument {
  if (text.length > MOST_CHARACTERS) {
    return unreadable(`${what} has at most ${MOST_CHARACTERS} characters; this file has ${text.length}`);
  }
  const lines = new LineCounter();
  try {
    // The parser's own check of keys compares each with all others: 39 s for 50,000 keys.
    const options = {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
      uniqueKeys: false,
    } as const;
    const document = parseDocument(text, options);
    if (document.errors.some(({ message }) => STACK_OVERFLOW.test(message))) return unreadable(TOO_DEEP);
    const problems = [...document.errors, ...document.warnings, ...refusedIn(document)].map(
      ({ message, pos: [offset] }) => ({
        ...placeAt(lines, offset),
        text: oneLine(message).replace(/; please use YAML.*/, `; ${what} is one document`),
      }),
    );
    return {
      value: problems.length > 0 ? undefined : document.toJS(),
      problems,
      locate: makeLocate(document, lines),
    };
  } catch (error) {
    if (error instanceof RangeError) return unreadable(TOO_DEEP); // the stack
    throw error;
  }
}

/** A problem of the value, with its place in the text. */
export function placeProblem(problem: Problem, document: ReadDocument): PlacedText {
  const { path, isKey = false } = problem;
  return { ...document.locate(path, { isKey }), text: problemText(problem) };
}

function unreadable(text: string): ReadDocument {
  const top = { line: 1, column: 1 };
  return { value: undefined, problems: [{ ...top, text }], locate: () => top };
}

/**
 * Aliases, which can make a small file a huge or an endless value and whose errors would have no place, and keys that a
 * mapping has twice.
 */
function refusedIn(document: Document): { message: string; pos: [number] }[] {
  const found: { message: string; pos: [number] }[] = [];
  visit(document, {
    Alias: (_key, { range }) => {
      found.push({
        message: 'aliases (*name) are not supported; write the value out',
        pos: [range?.[0] ?? 0],
      });
    },
    Map: (_key, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        const name = nameOf(key);
        if (name === undefined) continue;
        if (seen.has(name)) found.push({ message: 'Map keys must be unique', pos: [startOf(key) ?? 0] });
        seen.add(name);
      }
    },
  });
  return found;
}

function nameOf(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The place of a scalar is its own; that of a list or a mapping is its key. */
function makeLocate({ contents }: Document, lines: LineCounter): ReadDocument['locate'] {
  const pairs = new Map<YAMLMap, ReadonlyMap<string | undefined, Pair>>();
  const pairOf = (map: YAMLMap, step: PropertyKey) => {
    const known = pairs.get(map) ?? new Map(map.items.map((pair) => [nameOf(pair.key), pair]));
    pairs.set(map, known);
    return known.get(String(step));
  };
  return (path, { isKey = false } = {}) => {
    let offset = startOf(contents) ?? 0;
    let inside: unknown = contents;
    for (const [depth, step] of path.entries()) {
      const isWanted = isKey && depth === path.length - 1;
      if (isMap(inside)) {
        const pair = pairOf(inside, step);
        if (pair === undefined) break;
        inside = pair.value;
        offset = (isScalar(inside) && !isWanted ? startOf(inside) : startOf(pair.key)) ?? offset;
      } else if (isSeq(inside) && typeof step === 'number') {
        inside = inside.items[step];
        offset = startOf(inside) ?? offset;
      } else break;
    }
    return placeAt(lines, offset);
  };
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
