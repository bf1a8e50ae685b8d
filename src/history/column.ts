/** The kinds of array a column can be made of. */
export type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;
type NumbersClass<T extends Numbers> = new (length: number) => T;

const CHUNK_BITS = 13;
const CHUNK_ROWS = 1 << CHUNK_BITS;

/**
 * A column that grows by whole chunks, so that growing copies nothing and frees nothing. Rows are written in
 * order; those left out hold `absent`.
 */
export class Column<T extends Numbers> {
  readonly #class: NumbersClass<T>;
  readonly #absent: number;
  #chunks: T[] = [];
  #last: T;
  #first = 0;

  constructor(kind: NumbersClass<T>, absent = 0) {
    this.#class = kind;
    this.#absent = absent;
    this.#last = this.#addChunk();
  }

  write(row: number, value: number): void {
    while (row >= this.#first + CHUNK_ROWS) {
      this.#last = this.#addChunk();
      this.#first += CHUNK_ROWS;
    }
    this.#last[row - this.#first] = value;
  }

  read(row: number): number {
    return this.#chunks[row >>> CHUNK_BITS]?.[row & (CHUNK_ROWS - 1)] ?? this.#absent;
  }

  /** Makes one array of the first `rows` rows, each at `targets.read(row)`, and lets the chunks go. */
  gather(rows: number, targets: Column<Uint32Array> | undefined): T {
    const whole = new this.#class(rows);
    for (let first = 0; first < rows; first += CHUNK_ROWS) {
      const chunk = this.#chunks[first >>> CHUNK_BITS] ?? this.#emptyChunk();
      const length = Math.min(CHUNK_ROWS, rows - first);
      const to = targets?.chunkAt(first);
      if (to === undefined) whole.set(chunk.subarray(0, length), first);
      else for (let at = 0; at < length; at++) whole[to[at] as number] = chunk[at] as number;
    }
    this.#chunks = [];
    return whole;
  }

  /** Replaces each of the first `rows` values by what `change` makes of it. */
  rewrite(rows: number, change: (value: number) => number): void {
    for (let first = 0; first < rows; first += CHUNK_ROWS) {
      const chunk = this.chunkAt(first) as T;
      const length = Math.min(CHUNK_ROWS, rows - first);
      for (let at = 0; at < length; at++) chunk[at] = change(chunk[at] as number);
    }
  }

  private chunkAt(row: number): T | undefined {
    return this.#chunks[row >>> CHUNK_BITS];
  }

  #addChunk(): T {
    const chunk = this.#emptyChunk();
    this.#chunks.push(chunk);
    return chunk;
  }

  #emptyChunk(): T {
    const chunk = new this.#class(CHUNK_ROWS);
    if (this.#absent !== 0) chunk.fill(this.#absent);
    return chunk;
  }
}
