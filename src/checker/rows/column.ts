const LENGTH = 1 << 14;
const SHORT = 64;

/**
 * A list of numbers in pieces: as objects, ten million would take more than a gigabyte. A piece takes 4 bytes for each
 * number while all its numbers are integers below 2^32, otherwise 8.
 */
export class Column {
  readonly #pieces: (Uint32Array | Float64Array)[] = [];
  length = 0;

  add(value: number): void {
    const at = this.length++ % LENGTH;
    if (at === 0) this.#pieces.push(new Uint32Array(this.length === 1 ? SHORT : LENGTH));
    else if (this.length === SHORT + 1) this.#growFirst();
    const last = this.#pieces.length - 1;
    const piece = this.#pieces[last] as Uint32Array | Float64Array;
    if (value >>> 0 === value || piece instanceof Float64Array) piece[at] = value;
    else this.#widen(last)[at] = value;
  }

  at(place: number): number {
    return this.#pieces[Math.floor(place / LENGTH)]?.[place % LENGTH] as number;
  }

  #widen(place: number): Float64Array {
    const wide = new Float64Array(this.#pieces[place] as Uint32Array);
    this.#pieces[place] = wide;
    return wide;
  }

  /** The first piece starts small: most buckets with findings have few. */
  #growFirst(): void {
    const [short] = this.#pieces as [Uint32Array | Float64Array];
    const long = short instanceof Uint32Array ? new Uint32Array(LENGTH) : new Float64Array(LENGTH);
    long.set(short);
    this.#pieces[0] = long;
  }
}
