/**
 * Gives each different text a small number, in the order of first occurrence. Texts are kept as bytes in one array, with
 * an overhead of about 12 bytes each; a `Map` of strings takes about 100.
 */
export class Interner {
  #slots = new Int32Array(1_024).fill(-1);
  #ends = new Float64Array(512);
  #hashes = new Int32Array(512);
  #bytes = new Uint8Array(8_192);
  #size = 0;
  readonly #encoded = { text: new TextEncoder(), into: new Uint8Array(3 * 1_024) };

  get size(): number {
    return this.#size;
  }

  /** The number of the text whose UTF-8 is `bytes[start..end)`. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] as number;
      if (found === -1) return this.#add({ bytes, start, end, hash, slot });
      if (this.#hashes[found] === hash && this.#equals(found, bytes, start, end)) return found;
    }
  }

  internText(text: string): number {
    const { text: encoder, into } = this.#encoded;
    if (3 * text.length > into.length) {
      const bytes = encoder.encode(text);
      return this.intern(bytes, 0, bytes.length);
    }
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return this.intern(into, 0, encoder.encodeInto(text, into).written);
      into[at] = code; // mostly: a call of the encoder takes longer than a short text
    }
    return this.intern(into, 0, text.length);
  }

  textOf(number: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      this.#bytes.subarray(this.#startOf(number), this.#ends[number]),
    );
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] as number);
  }

  #equals(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#startOf(number);
    const length = (this.#ends[number] as number) - from;
    if (length !== end - start) return false;
    for (let at = 0; at < length; at++) if (this.#bytes[from + at] !== bytes[start + at]) return false;
    return true;
  }

  #add(text: { bytes: Uint8Array; start: number; end: number; hash: number; slot: number }): number {
    const number = this.#size++;
    const from = this.#startOf(number);
    const to = from + text.end - text.start;
    if (number === this.#ends.length) {
      this.#ends = grown(this.#ends, Float64Array, number * 2);
      this.#hashes = grown(this.#hashes, Int32Array, number * 2);
    }
    if (to > this.#bytes.length) this.#bytes = grown(this.#bytes, Uint8Array, 2 * to);
    this.#bytes.set(text.bytes.subarray(text.start, text.end), from);
    this.#ends[number] = to;
    this.#hashes[number] = text.hash;
    this.#slots[text.slot] = number;
    if (2 * this.#size > this.#slots.length) this.#rehash();
    return number;
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[number] as number) & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = number;
    }
  }
}

/** FNV-1a, 32 bits, with its high bits folded into the low ones that choose the slot. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

function grown<T extends { set(from: T): void }>(
  array: T,
  Kind: new (length: number) => T,
  length: number,
): T {
  const larger = new Kind(length);
  larger.set(array);
  return larger;
}
