const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const SPACE = 0x20;
const NOT_ASCII = 0x80;
const MOST_DIGITS = 15;
const MICROSECONDS_DIGITS = 16;

/** The keys that an object may have. No two may have the same length, first and last letter. */
export class KeySet {
  readonly #byCode = new Map<number, Key>();
  /** The last key in each place: the lines of a file are alike. */
  readonly #expected: Key[] = [];

  constructor(names: readonly string[]) {
    for (const name of names) {
      const bytes = new TextEncoder().encode(`"${name}":`);
      this.#byCode.set(codeAt(bytes, 0, bytes.length - 3), { name, bytes });
    }
  }

  /** The key at `at`, the place-th of its object; undefined for any other. */
  find(bytes: Uint8Array, at: number, place: number): Key | undefined {
    const expected = this.#expected[place];
    if (expected !== undefined && startsWith(bytes, at, expected.bytes)) return expected;
    const length = bytes.subarray(at + 1, at + 17).indexOf(QUOTE);
    const found = this.#byCode.get(codeAt(bytes, at, length));
    if (found === undefined || !startsWith(bytes, at, found.bytes)) return undefined;
    if (place <= this.#expected.length) this.#expected[place] = found;
    return found;
  }
}

interface Key {
  readonly name: string;
  /** With its quotation marks and its colon. */
  readonly bytes: Uint8Array;
}

/**
 * Reads compact JSON from bytes without allocation: the places of strings and the values of integers. It reports
 * failure for anything else, such as spaces, escapes and fractions.
 */
export class ByteScanner {
  protected bytes = new Uint8Array(0);
  protected at = 0;
  #start = 0;
  #end = 0;
  /** All bytes of the strings read so far, or-ed. */
  #seen = 0;
  /** The content of the last string. */
  protected from = 0;
  protected to = 0;

  protected start(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes as Uint8Array<ArrayBuffer>;
    this.at = at;
    this.#start = at;
    this.#end = end;
    this.#seen = 0;
  }

  protected isAtEnd(): boolean {
    return this.at === this.#end;
  }

  /** Whether the strings are UTF-8. Invalid bytes would all be shown as the same character. */
  protected isText(): boolean {
    return this.#seen < NOT_ASCII || isUtf8(this.bytes.subarray(this.#start, this.#end));
  }

  /** Reads an object whose keys are all of `keys`, the value of each by `readValue`. */
  protected object(keys: KeySet, readValue: (key: string) => boolean): boolean {
    if (!this.take(OPEN)) return false;
    let place = 0;
    do {
      const key = keys.find(this.bytes, this.at, place++);
      if (key === undefined) return false;
      this.at += key.bytes.length;
      if (!readValue(key.name)) return false;
    } while (this.take(COMMA));
    return this.take(CLOSE);
  }

  protected take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  protected literal(expected: Uint8Array): boolean {
    if (!startsWith(this.bytes, this.at, expected)) return false;
    this.at += expected.length;
    return true;
  }

  /** Reads a string without escapes. */
  protected string(): boolean {
    const { bytes } = this;
    const end = this.#end;
    let at = this.at;
    if (bytes[at] !== QUOTE) return false;
    this.from = ++at;
    let seen = 0;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH || byte < SPACE) return false;
      seen |= byte;
    }
    this.#seen |= seen;
    this.to = at;
    this.at = at + 1;
    return at < end;
  }

  /** Whether the last string is this one. */
  protected is(expected: Uint8Array): boolean {
    return this.to - this.from === expected.length && startsWith(this.bytes, this.from, expected);
  }

  /** Reads a whole number in quotation marks, or gives NaN. */
  protected quotedInteger(): number {
    if (!this.take(QUOTE)) return Number.NaN;
    const value = this.integer();
    return this.take(QUOTE) ? value : Number.NaN;
  }

  /** Reads a whole number within 2^53 or a decimal of at most 15 digits, or gives NaN. */
  protected decimal(): number {
    const isNegative = this.bytes[this.at] === MINUS;
    const whole = this.integer();
    if (!this.take(POINT)) return whole;
    const start = this.at;
    let value = Math.abs(whole);
    for (; this.at < this.#end; this.at++) {
      const digit = (this.bytes[this.at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = this.at - start;
    if (digits === 0 || digits > MOST_DIGITS || value >= 10 ** MOST_DIGITS) return Number.NaN;
    value /= 10 ** digits; // the quotient of two exact numbers is the nearest to the decimal
    return isNegative ? -value : value;
  }

  /** Reads a whole number within 2^53, or gives NaN. */
  protected integer(): number {
    const { bytes } = this;
    const end = this.#end;
    const isNegative = this.take(MINUS);
    const start = this.at;
    let at = start;
    let value = 0;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.at = at; // a fraction or an exponent stops here and fails at the next step
    const digits = at - start;
    if (digits === 0 || (digits > 1 && bytes[start] === ZERO)) return Number.NaN;
    if (digits > MOST_DIGITS && (digits > MICROSECONDS_DIGITS || value > Number.MAX_SAFE_INTEGER))
      return Number.NaN;
    return isNegative ? -value : value;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function startsWith(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index++)
    if (bytes[at + index] !== expected[index]) return false;
  return true;
}

/** A number for the key whose quotation mark is at `at`. */
function codeAt(bytes: Uint8Array, at: number, length: number): number {
  return (length * 256 + (bytes[at + 1] ?? 0)) * 256 + (bytes[at + length] ?? 0);
}
