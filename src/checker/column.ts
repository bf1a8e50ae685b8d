const LENGTH = 1 << 14;
const SHORT = 64;

/** Numbers, piece by piece: an object for each of ten million would take more than a gigabyte. */
export class Column {
  readonly #pieces: (Uint32Array | Float64Array)[] = [];
  readonly #make: (length: number) => Uint32Array | Float64Array;
  length = 0;

  private constructor(make: (length: number) => Uint32Array | Float64Array) {
    this.#make = make;
  }

  static ofRows(): Column {
    return new Column((length) => new Uint32Array(length));
  }

  static ofNumbers(): Column {
    return new Column((length) => new Float64Array(length));
  }

  add(value: number): void {
    const at = this.length++ % LENGTH;
    if (at === 0) this.#pieces.push(this.#make(this.length === 1 ? SHORT : LENGTH));
    else if (this.length === SHORT + 1) this.#growFirst();
    (this.#pieces[this.#pieces.length - 1] as Float64Array)[at] = value;
  }

  at(place: number): number {
    return this.#pieces[Math.floor(place / LENGTH)]?.[place % LENGTH] as number;
  }

  /** Most buckets that are guilty are so a few times. */
  #growFirst(): void {
    const long = this.#make(LENGTH);
    long.set(this.#pieces[0] as Float64Array);
    this.#pieces[0] = long;
  }
}
