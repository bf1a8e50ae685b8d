/** The longest line of a history; a longer one is refused before it fills the memory. */
export const MAX_LINE_BYTES = 1_048_576;

const NEWLINE = 10;

/** Receives the place of one line. `terminated` is false only for a last line without a newline. */
export type OnLine = (bytes: Uint8Array, start: number, end: number, terminated: boolean) => void;

/** Cuts chunks of bytes into lines. A line within one chunk is passed on in place, without a copy. */
export class LineSplitter {
  readonly #onLine: OnLine;
  readonly #onTooLong: () => never;
  #rest = new Uint8Array(0);

  /** `onTooLong` is called, and must throw, for a line of more than MAX_LINE_BYTES. */
  constructor(onLine: OnLine, onTooLong: () => never) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    let end = chunk.indexOf(NEWLINE);
    if (this.#rest.length > 0) {
      const length = end === -1 ? chunk.length : end;
      this.#join(chunk.subarray(0, length));
      if (end === -1) return;
      const line = this.#rest;
      this.#rest = new Uint8Array(0);
      this.#onLine(line, 0, line.length, true);
      start = end + 1;
      end = chunk.indexOf(NEWLINE, start);
    }
    for (; end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (end - start > MAX_LINE_BYTES) this.#onTooLong();
      this.#onLine(chunk, start, end, true);
      start = end + 1;
    }
    if (start < chunk.length) this.#join(chunk.subarray(start));
  }

  end(): void {
    if (this.#rest.length > 0) this.#onLine(this.#rest, 0, this.#rest.length, false);
    this.#rest = new Uint8Array(0);
  }

  #join(bytes: Uint8Array): void {
    if (this.#rest.length + bytes.length > MAX_LINE_BYTES) this.#onTooLong();
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    this.#rest = joined;
  }
}
