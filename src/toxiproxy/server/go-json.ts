/** A JSON value with its numbers as written, since Go tells integers from the text. */
export type GoValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'number'; readonly literal: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly GoValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: string, value: GoValue])[] };

/** What Go's encoding/json says of a text that is not JSON. */
export class GoSyntaxError extends Error {
  override readonly name = 'GoSyntaxError';
}

/** Go's own limit. */
const MAX_DEPTH = 10_000;

/** Reads the first JSON value of a text; like Go's Decoder it does not look at what follows. Throws GoSyntaxError. */
export function parseGoJson(text: string): GoValue {
  const scanner = new Scanner(text);
  scanner.skipSpace();
  if (scanner.atEnd) throw new GoSyntaxError('EOF');
  return scanner.value(0);
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
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  value(depth: number): GoValue {
    if (depth > MAX_DEPTH) throw new GoSyntaxError('exceeded max depth');
    this.skipSpace();
    const first = this.#peek();
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return { kind: 'string', value: this.#string() };
    if (first === '-' || isDigit(first)) return { kind: 'number', literal: this.#number() };
    if (first === 't' || first === 'f' || first === 'n') return this.#literal(first);
    return this.#fail('looking for beginning of value');
  }

  #object(depth: number): GoValue {
    const entries: [string, GoValue][] = [];
    this.#at++;
    this.skipSpace();
    if (this.#take('}')) return { kind: 'object', entries };
    do {
      this.skipSpace();
      if (this.#peek() !== '"') this.#fail('looking for beginning of object key string');
      const key = this.#string();
      this.skipSpace();
      if (!this.#take(':')) this.#fail('after object key');
      entries.push([key, this.value(depth + 1)]);
      this.skipSpace();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('after object key:value pair');
    return { kind: 'object', entries };
  }

  #array(depth: number): GoValue {
    const items: GoValue[] = [];
    this.#at++;
    this.skipSpace();
    if (this.#take(']')) return { kind: 'array', items };
    do {
      items.push(this.value(depth + 1));
      this.skipSpace();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('after array element');
    return { kind: 'array', items };
  }

  #string(): string {
    this.#at++;
    let value = '';
    while (!this.#take('"')) {
      const character = this.#peek();
      if (character < ' ') this.#fail('in string literal');
      this.#at++;
      value += character === '\\' ? this.#escape() : character;
    }
    return value;
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
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++;
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

/** As Go shows a byte: 'x', '\'', '"' or an escape; of a longer character it shows the first byte alone. */
function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  const byte = Buffer.from(character)[0] ?? 0;
  return `'${JSON.stringify(String.fromCharCode(byte)).slice(1, -1)}'`;
}

/** JSON as Go writes it: without spaces, and with the characters escaped that mean something in HTML. */
export function goStringify(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
