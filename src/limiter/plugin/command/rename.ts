/**
 * Replaces a text in a stream of bytes by another of the same length, so that lengths within the stream stay right. A text
 * that is split over two chunks is replaced, too.
 */
export class StreamRename {
  readonly #from: Buffer;
  readonly #to: Buffer;
  #held: Buffer = Buffer.alloc(0);

  /** Throws RangeError if the lengths differ. */
  constructor(from: string, to: string) {
    this.#from = Buffer.from(from);
    this.#to = Buffer.from(to);
    if (this.#from.length !== this.#to.length || from === '')
      throw new RangeError(`"${from}" and "${to}" differ in length`);
  }

  /** What can be passed on of what came so far: all but an end that may be the beginning of the text. */
  add(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#held, chunk]);
    for (let at = bytes.indexOf(this.#from); at >= 0; at = bytes.indexOf(this.#from, at + this.#to.length))
      this.#to.copy(bytes, at);
    const kept = this.#beginningAtEnd(bytes);
    this.#held = bytes.subarray(bytes.length - kept);
    return bytes.subarray(0, bytes.length - kept);
  }

  /** The length of the longest end of the bytes with which the text begins, but not all of it. */
  #beginningAtEnd(bytes: Buffer): number {
    for (let length = Math.min(this.#from.length - 1, bytes.length); length > 0; length--)
      if (bytes.subarray(bytes.length - length).equals(this.#from.subarray(0, length))) return length;
    return 0;
  }
}
