import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { eachDenialOfSeveral } from '../proofs/multi-bucket-denials.ts';

/** What is found of the charges of decisions of several buckets, as bits, until all of them are known. */
export class SeveralMarks {
  readonly #table: OperationTable;
  readonly #words: number;
  #marks: Uint32Array | undefined;

  constructor(table: OperationTable, bits: number) {
    this.#table = table;
    this.#words = Math.ceil(bits / 32);
  }

  /** Marks the charge of a decision of several buckets; false for any other row. */
  mark(row: number, bit: number): boolean {
    if (((this.#table.kinds[row] as number) & KIND.multiBucket) === 0) return false;
    this.#marks ??= new Uint32Array(this.#table.rows * this.#words);
    const at = row * this.#words + (bit >>> 5);
    this.#marks[at] = (this.#marks[at] as number) | (1 << (bit & 31));
    return true;
  }

  has(row: number, bit: number): boolean {
    const word = this.#marks?.[row * this.#words + (bit >>> 5)] ?? 0;
    return ((word >>> (bit & 31)) & 1) === 1;
  }

  /** The charges of each denial of several buckets, if any is marked. */
  eachDenial(visit: (charges: readonly number[]) => void): void {
    if (this.#marks !== undefined) eachDenialOfSeveral(this.#table, visit);
  }
}
