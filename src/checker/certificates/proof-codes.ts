import { KIND, type OperationTable } from '../../history/columns/table.ts';

/** The numbers of rows in the order of a proof: twice that of the operation, plus 1 for a charge beyond its cost. */
export class ProofCodes {
  readonly #table: OperationTable;
  readonly #buckets: readonly number[];
  /** By bucket of the proof: the place of its first row in `#codes`. */
  readonly #places: number[] = [];
  readonly #codes: Uint32Array;
  readonly #operations: number;
  readonly #resets: number;

  /** `buckets` rise. `resets`: how many resets these buckets have; their rows follow those of the table. */
  constructor(table: OperationTable, buckets: readonly number[], resets = 0) {
    const { starts, kinds } = table;
    this.#table = table;
    this.#buckets = buckets;
    let rows = 0;
    for (const bucket of buckets) {
      this.#places.push(rows);
      rows += (starts[bucket + 1] as number) - (starts[bucket] as number);
    }
    this.#codes = new Uint32Array(rows);
    this.#resets = resets;
    let [at, operations] = [0, 0];
    for (const bucket of buckets)
      for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
        const isSurplus = ((kinds[row] as number) & KIND.surplus) !== 0;
        this.#codes[at++] = isSurplus ? 2 * operations - 1 : 2 * operations++;
      }
    this.#operations = operations;
  }

  of(row: number): number {
    const { starts, rows } = this.#table;
    if (row >= rows) return 2 * (this.#operations + row - rows);
    let [low, high] = [0, this.#buckets.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[this.#buckets[middle] as number] as number) <= row) low = middle;
      else high = middle - 1;
    }
    const place = (this.#places[low] as number) + row - (starts[this.#buckets[low] as number] as number);
    return this.#codes[place] as number;
  }

  /** The number of the beginning of a window. */
  get window(): number {
    return 2 * (this.#operations + this.#resets);
  }
}
