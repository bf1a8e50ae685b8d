import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { sortRows } from '../rows/sort-rows.ts';

/** The decisions that charge several buckets, and the groups of buckets that they join. */
export class Groups {
  readonly #table: OperationTable;
  /** For each row of such a decision its next row, in a circle; for other rows the row itself. */
  readonly #next: Uint32Array;
  /** By bucket: another bucket of its group, with a lower number, or itself if it is the first. */
  readonly #before: Uint32Array;
  /** The buckets of each group of several, by the first of them; their numbers rise. */
  readonly all: ReadonlyMap<number, readonly number[]>;

  /** Undefined if no decision charges several buckets. */
  static of(table: OperationTable): Groups | undefined {
    const rows = chargeRows(table);
    return rows.length === 0 ? undefined : new Groups(table, rows);
  }

  /** `charges`: rows that are sorted by their operation. */
  private constructor(table: OperationTable, charges: Uint32Array) {
    this.#table = table;
    this.#next = Uint32Array.from({ length: table.rows }, (_, row) => row);
    this.#before = Uint32Array.from({ length: table.bucketCount }, (_, bucket) => bucket);
    for (let start = 0, end = 0; start < charges.length; start = end) {
      const key = keyOf(table, charges[start] as number);
      while (end < charges.length && keyOf(table, charges[end] as number) === key) end++;
      this.#join(charges.subarray(start, end));
    }
    const all = new Map<number, number[]>();
    for (let bucket = 0; bucket < table.bucketCount; bucket++) {
      const first = this.#firstOf(bucket);
      if (first !== bucket)
        all
          .set(first, all.get(first) ?? [first])
          .get(first)
          ?.push(bucket);
    }
    this.all = all;
  }

  /** Whether a bucket shares a decision with another. */
  has(bucket: number): boolean {
    return this.all.has(this.#firstOf(bucket));
  }

  /** All rows of the decision of a row, that row first. */
  chargesOf(row: number): number[] {
    const charges = [row];
    for (let next = this.#next[row] as number; next !== row; next = this.#next[next] as number)
      charges.push(next);
    return charges;
  }

  /** Whether a row is the one that stands for its decision. */
  isFirst(row: number): boolean {
    return this.#next[row] === row || this.chargesOf(row).every((other) => row <= other);
  }

  #join(rows: Uint32Array): void {
    const first = bucketOf(this.#table, rows[0] as number);
    for (const [at, row] of rows.entries()) {
      this.#next[row] = rows[(at + 1) % rows.length] as number;
      const [a, b] = [this.#firstOf(first), this.#firstOf(bucketOf(this.#table, row))];
      this.#before[Math.max(a, b)] = Math.min(a, b);
    }
  }

  #firstOf(bucket: number): number {
    let first = bucket;
    for (
      let before = this.#before[first] as number;
      before !== first;
      before = this.#before[first] as number
    ) {
      this.#before[first] = this.#before[before] as number;
      first = before;
    }
    return first;
  }
}

/** The bucket of a row. */
export function bucketOf({ starts, bucketCount }: OperationTable, row: number): number {
  let [low, high] = [0, bucketCount - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Identifies the operation of a row. Operations of two files can have the same index. */
function keyOf({ indices, origins, fileOf }: OperationTable, row: number): string {
  return `${indices[row]} ${fileOf(origins[row] as number)}`;
}

/** The rows of decisions with a list of charges, without what they may have charged beyond it, sorted by operation. */
function chargeRows(table: OperationTable): Uint32Array {
  const { kinds, indices, origins, fileOf, rows } = table;
  const isCharge = (row: number) =>
    ((kinds[row] as number) & (KIND.multiBucket | KIND.surplus)) === KIND.multiBucket;
  let count = 0;
  for (let row = 0; row < rows; row++) if (isCharge(row)) count++;
  const found = new Uint32Array(count);
  let next = 0;
  for (let row = 0; row < rows; row++) if (isCharge(row)) found[next++] = row;
  const files = new Map<string, number>();
  const numberOf = (file: string) => files.get(file) ?? files.set(file, files.size).size - 1;
  sortRows(
    found,
    count,
    (row) => numberOf(fileOf(origins[row] as number)) * 2 ** 32 + (indices[row] as number),
  );
  return found;
}
