const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a text that is written often. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes JSON as UTF-8 bytes, without strings: thousands of lines a second have the same fields. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written since the last call. The caller owns it. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  /** As `take`, as text. */
  takeText(): string {
    const text = decoder.decode(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return text;
  }

  /** Bytes that are JSON already. */
  raw(part: Uint8Array): void {
    this.#room(part.length).set(part, this.#length);
    this.#length += part.length;
  }

  /** Text that is JSON already. */
  rawText(json: string): void {
    const bytes = this.#room(3 * json.length);
    this.#length += encoder.encodeInto(json, bytes.subarray(this.#length)).written;
  }

  /** A text in quotes. Plain characters are written as they are; a text with any other is written by JSON.stringify. */
  text(value: string): void {
    const { length } = value;
    const bytes = this.#room(length + 2);
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.rawText(JSON.stringify(value));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  /** A number as a template writes it. */
  number(value: number): void {
    if (value >= 0 && Number.isSafeInteger(value)) this.#whole(value);
    else this.rawText(`${value}`);
  }

  #whole(value: number): void {
    if (value < 1e8) {
      this.#digits(value, digitsOf(value));
      return;
    }
    const high = Math.floor(value / 1e8);
    this.#whole(high);
    this.#digits(value - high * 1e8, 8);
  }

  /** The last `count` digits of a number below 2^31. */
  #digits(value: number, count: number): void {
    const bytes = this.#room(count);
    const from = this.#length;
    let rest = value | 0;
    for (let at = from + count - 1; at >= from; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = 0x30 + rest - 10 * next;
      rest = next;
    }
    this.#length = from + count;
  }

  /** The buffer, with room for so many more bytes. */
  #room(more: number): Uint8Array {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

function digitsOf(value: number): number {
  if (value < 1e4) return value < 1e2 ? (value < 10 ? 1 : 2) : value < 1e3 ? 3 : 4;
  return value < 1e6 ? (value < 1e5 ? 5 : 6) : value < 1e7 ? 7 : 8;
}
