import { printable as printableText } from '../core/printable.ts';

/** A number of tokens as people read it. */
export function tokensText(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : amount.toFixed(3);
}

/** Microseconds as milliseconds. */
export function msText(us: number): string {
  return (us / 1_000).toFixed(1);
}

/** A ratio with two decimals, or with two significant digits if it is small: 1.05, 0.84, 0.0037. */
export function ratioText(ratio: number): string {
  const hides = Math.abs(ratio) < 0.095 && ratio !== 0;
  return hides ? String(Number(ratio.toPrecision(2))) : ratio.toFixed(2);
}

/** A document whose texts, including keys, are safe to show. Every renderer starts with this. */
export function printable<T>(value: T): T {
  return clean(value) as T;
}

/** Keys of texts that are names; other texts are sentences that may contain names. */
const NAMES: ReadonlySet<string> = new Set([
  'bucket',
  'user',
  'region',
  'node',
  'name',
  'shard',
  'from',
  'to',
]);
const LONGEST_NAME = 80;
const LONGEST_TEXT = 2_000;
const LONG_WORD = new RegExp(`\\S{${LONGEST_NAME + 1},}`, 'g');
/** Keys of texts that are copied, and so never shortened. */
const WHOLE: ReadonlySet<string> = new Set(['command', 'folder']);

/** The same with its longest texts cut in the middle: a name may have a hundred thousand characters. */
export function readable<T>(value: T): T {
  return printable(shortened(value, '') as T);
}

function shortened(value: unknown, key: string): unknown {
  if (typeof value === 'string') {
    if (WHOLE.has(key)) return value;
    return NAMES.has(key) ? cutMiddle(value, LONGEST_NAME) : cutSentence(value);
  }
  if (Array.isArray(value)) return value.map((inner) => shortened(inner, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [cutMiddle(name, LONGEST_NAME), shortened(inner, name)]),
  );
}

function cutSentence(text: string): string {
  return cutMiddle(
    text.replace(LONG_WORD, (word) => cutMiddle(word, LONGEST_NAME)),
    LONGEST_TEXT,
  );
}

/** At most `longest` characters of a text, its beginning and its end. */
function cutMiddle(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const half = Math.floor((longest - 1) / 2);
  const ends = [text.slice(0, half), text.slice(-half)];
  // Removes half a surrogate pair at the cut.
  return `${ends[0]?.replace(/[\ud800-\udbff]$/, '')}…${ends[1]?.replace(/^[\udc00-\udfff]/, '')}`;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return printableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [printableText(key), clean(inner)]));
}
