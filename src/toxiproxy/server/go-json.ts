/** A JSON value that keeps numbers as written, since Go recognises integers by their text. */
export type GoValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'number'; readonly literal: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly GoValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: string, value: GoValue])[] };

/** The error of Go's encoding/json for a text that is not JSON. */
export class GoSyntaxError extends Error {
  override readonly name = 'GoSyntaxError';
}

/** The limit of Go's encoding/json. */
const MAX_DEPTH = 10_000;

/** A list, its proxies and one more. What is deeper is checked and dropped: to keep it would take most of the time. */
const DEEPEST_OBJECT = 3;

/**
 * Reads the first JSON value of a text and ignores the rest, like Go's Decoder. Inner arrays and deep objects come out
 * empty. Throws GoSyntaxError.
 */
export function parseGoJson(text: string): GoValue {
  const scanner = new Scanner(text);
  scanner.skipSpace();
  if (scanner.atEnd) throw new GoSyntaxError('EOF');
  return scanner.value();
}

const LITERALS = {
  t: { text: 'true', value: { kind: 'bool', value: true } },
  f: { text: 'false', value: { kind: 'bool', value: false } },
  n: { text: 'null', value: { kind: 'null' } },
} as const;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** An array or object whose end has not been read. */
type Open =
  | { readonly kind: 'array'; readonly items: GoValue[] }
  | { readonly kind: 'object'; readonly entries: [string, GoValue][]; key: string };

const SPACE = 0x20;
const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return; // NaN at the end
      this.#at++;
    }
  }

  /** A loop and no recursion: the nesting that Go allows is deeper than the stack. */
  value(): GoValue {
    const open: Open[] = [];
    for (;;) {
      let value = this.#scalarOrOpen(open);
      for (let parent = open.at(-1); value !== undefined; parent = open.at(-1)) {
        if (parent === undefined) return value;
        value = this.#addTo(parent, value, open.length);
        if (value !== undefined) open.pop();
      }
    }
  }

  /** A value without content, or undefined after the opening of one with content. */
  #scalarOrOpen(open: Open[]): GoValue | undefined {
    this.skipSpace();
    const first = this.#peek();
    if (first === '{' || first === '[') {
      if (open.length >= MAX_DEPTH) throw new GoSyntaxError('exceeded max depth');
      this.#at++;
      this.skipSpace();
      const isObject = first === '{';
      if (this.#take(isObject ? '}' : ']'))
        return isObject ? { kind: 'object', entries: [] } : { kind: 'array', items: [] };
      open.push(isObject ? { kind: 'object', entries: [], key: this.#key() } : { kind: 'array', items: [] });
      return undefined;
    }
    if (first === '"') return { kind: 'string', value: this.#string() };
    if (first === '-' || isDigit(first)) return { kind: 'number', literal: this.#number() };
    if (first === 't' || first === 'f' || first === 'n') return this.#literal(first);
    return this.#fail('looking for beginning of value');
  }

  /** Adds a value to its array or object, if a body can have it there; returns that at its end. */
  #addTo(parent: Open, value: GoValue, depth: number): GoValue | undefined {
    if (parent.kind === 'object' && depth <= DEEPEST_OBJECT) parent.entries.push([parent.key, value]);
    if (parent.kind === 'array' && depth === 1) parent.items.push(value);
    this.skipSpace();
    if (this.#take(',')) {
      if (parent.kind === 'object') parent.key = this.#key();
      return undefined;
    }
    if (parent.kind === 'array' && !this.#take(']')) this.#fail('after array element');
    if (parent.kind === 'object' && !this.#take('}')) this.#fail('after object key:value pair');
    return parent;
  }

  #key(): string {
    this.skipSpace();
    if (this.#peek() !== '"') this.#fail('looking for beginning of object key string');
    const key = this.#string();
    this.skipSpace();
    if (!this.#take(':')) this.#fail('after object key');
    return key;
  }

  #string(): string {
    this.#at++;
    let value = '';
    for (;;) {
      value += this.#plainText();
      const character = this.#peek();
      if (character < ' ') this.#fail('in string literal');
      this.#at++;
      if (character === '"') return value.toWellFormed();
      value += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#peek();
    const plain = ESCAPES[letter];
    if (plain === undefined && letter !== 'u') this.#fail('in string escape code');
    this.#at++;
    if (plain !== undefined) return plain;
    let hex = '';
    while (hex.length < 4) {
      if (!/[\da-fA-F]/.test(this.#peek())) this.#fail('in \\u hexadecimal character escape');
      hex += this.#text[this.#at++];
    }
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #number(): string {
    const from = this.#at;
    this.#take('-');
    if (!this.#take('0')) this.#digits('in numeric literal');
    if (this.#take('.')) this.#digits('after decimal point in numeric literal');
    if (this.#take('e') || this.#take('E')) {
      if (!this.#take('+')) this.#take('-');
      this.#digits('in exponent of numeric literal');
    }
    return this.#text.slice(from, this.#at);
  }

  #digits(where: string): void {
    if (!isDigit(this.#peek())) this.#fail(where);
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= ZERO && code <= NINE)) return;
      this.#at++;
    }
  }

  #literal(first: keyof typeof LITERALS): GoValue {
    const { text, value } = LITERALS[first];
    for (const expected of text) {
      if (this.#peek() !== expected) this.#fail(`in literal ${text} (expecting '${expected}')`);
      this.#at++;
    }
    return value;
  }

  /** The next character. Throws at the end, where Go's Decoder waits for more. */
  #peek(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new GoSyntaxError('unexpected EOF');
    return character;
  }

  /** The text up to a quote, an escape, a control character or the end. */
  #plainText(): string {
    const from = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= SPACE) || code === QUOTE || code === BACKSLASH) return this.#text.slice(from, this.#at);
      this.#at++;
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(where: string): never {
    throw new GoSyntaxError(`invalid character ${quoteCharacter(this.#peek())} ${where}`);
  }
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9' && character.length === 1;
}

/** A byte in Go's notation: 'x', '\'', '"' or an escape. Of a multi-byte character it shows only the first byte. */
function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  const byte = Buffer.from(character)[0] ?? 0;
  return `'${JSON.stringify(String.fromCharCode(byte)).slice(1, -1)}'`;
}

/** JSON as Go writes it: without spaces, with HTML characters escaped, with 64-bit integers and -0. */
export function goStringify(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goStringify).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).map(([key, member]) => `${goStringify(key)}:${goStringify(member)}`)}}`;
  }
  if (typeof value === 'bigint') return String(value);
  if (Object.is(value, -0)) return '-0';
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
