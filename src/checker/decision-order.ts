import type { Levels } from '../history/levels.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { sortRows } from './order.ts';

/** Whether it says which level it left, and all that came before it is known. */
export function isReplayed(table: OperationTable, row: number, judgedUntilUs: number): boolean {
  return saysItsLevel(table, row) && table.lastUs(row) <= judgedUntilUs;
}

function saysItsLevel(table: OperationTable, row: number): boolean {
  const outcome = (table.kinds[row] as number) & KIND.outcome;
  if (outcome !== KIND.allowed && outcome !== KIND.denied) return false;
  return !Number.isNaN(table.levels?.of(row) ?? Number.NaN);
}

/** The order in which each node decided, by what the decisions themselves say. */
export class DecisionOrder {
  readonly #table: OperationTable;
  readonly #levels: Levels;

  constructor(table: OperationTable, levels: Levels) {
    this.#table = table;
    this.#levels = levels;
  }

  /**
   * The rows of a bucket that say which level they left, in `byLast`, which it borrows: by node and time as a whole, then
   * by level within each moment, since both are nearly in order already.
   */
  sorted(bucket: BucketRows): Uint32Array {
    const levels = this.#levels;
    const rows = this.#rowsOf(bucket);
    sortRows(rows, rows.length, (row) => levels.bucketUs(row));
    sortRows(rows, rows.length, (row) => levels.node(row));
    const isSame = (a: number, b: number) =>
      levels.node(a) === levels.node(b) && levels.bucketUs(a) === levels.bucketUs(b);
    for (let start = 0, end = 1; start < rows.length; start = end++) {
      while (end < rows.length && isSame(rows[start] as number, rows[end] as number)) end++;
      if (end - start > 1) rows.subarray(start, end).sort((a, b) => this.compare(a, b));
    }
    return rows;
  }

  /** Below zero when `a` comes first. */
  compare(a: number, b: number): number {
    const { kinds, costTokens } = this.#table;
    return (
      this.#levels.node(a) - this.#levels.node(b) ||
      this.#levels.bucketUs(a) - this.#levels.bucketUs(b) ||
      this.#levels.of(b) - this.#levels.of(a) ||
      ((kinds[a] as number) & KIND.outcome) - ((kinds[b] as number) & KIND.outcome) ||
      (costTokens[b] as number) - (costTokens[a] as number) // what asked for nothing found that level
    );
  }

  #rowsOf(bucket: BucketRows): Uint32Array {
    const { table } = bucket;
    const rows = bucket.lendByLast();
    let count = 0;
    for (
      let row = table.starts[bucket.bucket] as number;
      row < (table.starts[bucket.bucket + 1] as number);
      row++
    )
      if (saysItsLevel(table, row)) rows[count++] = row;
    return rows.subarray(0, count);
  }
}
