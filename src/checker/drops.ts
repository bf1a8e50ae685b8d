/** An operation that EDF could not serve in full. */
export interface Drop {
  readonly row: number;
  readonly quanta: number;
  /** Since when the machine had been busy: no window that starts before is exceeded. */
  readonly busyFromUs: number;
}

const ROWS = 1 << 14;

/** Drops as columns, piece by piece: an object for each of ten million would take more than a gigabyte. */
export class Drops implements Iterable<Drop> {
  readonly #rows: Uint32Array[] = [];
  readonly #quanta: Float64Array[] = [];
  readonly #busyFromUs: Float64Array[] = [];
  length = 0;
  totalQuanta = 0;

  static of(drops: Iterable<Drop>): Drops {
    const all = new Drops();
    for (const drop of drops) all.add(drop.row, drop.quanta, drop.busyFromUs);
    return all;
  }

  add(row: number, quanta: number, busyFromUs: number): void {
    const at = this.length++ % ROWS;
    if (at === 0) {
      const size = this.length === 1 ? 64 : ROWS; // most buckets that are guilty are so a few times
      this.#rows.push(new Uint32Array(size));
      this.#quanta.push(new Float64Array(size));
      this.#busyFromUs.push(new Float64Array(size));
    } else if (this.length === 65) this.#growFirst();
    const piece = this.#rows.length - 1;
    (this.#rows[piece] as Uint32Array)[at] = row;
    (this.#quanta[piece] as Float64Array)[at] = quanta;
    (this.#busyFromUs[piece] as Float64Array)[at] = busyFromUs;
    this.totalQuanta += quanta;
  }

  get first(): Drop | undefined {
    return this.length === 0 ? undefined : this.#at(0);
  }

  *[Symbol.iterator](): Iterator<Drop> {
    for (let at = 0; at < this.length; at++) yield this.#at(at);
  }

  #at(place: number): Drop {
    const [piece, at] = [Math.floor(place / ROWS), place % ROWS];
    return {
      row: this.#rows[piece]?.[at] as number,
      quanta: this.#quanta[piece]?.[at] as number,
      busyFromUs: this.#busyFromUs[piece]?.[at] as number,
    };
  }

  #growFirst(): void {
    for (const column of [this.#rows, this.#quanta, this.#busyFromUs] as (Uint32Array | Float64Array)[][]) {
      const [small] = column;
      const large = small instanceof Uint32Array ? new Uint32Array(ROWS) : new Float64Array(ROWS);
      large.set(small as Uint32Array);
      column[0] = large;
    }
  }
}
