import type { Levels } from '../../history/columns/levels.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { sortRows } from './sort-rows.ts';

/** Whether the decision reports its level and all operations until its end are known. */
export function isReplayed(table: OperationTable, row: number, judgedUntilUs: number): boolean {
  return saysItsLevel(table, row) && table.lastUs(row) <= judgedUntilUs;
}

function saysItsLevel(table: OperationTable, row: number): boolean {
  const outcome = (table.kinds[row] as number) & KIND.outcome;
  if (outcome !== KIND.allowed && outcome !== KIND.denied) return false;
  return !Number.isNaN(table.levels?.of(row) ?? Number.NaN);
}

/** The order of the decisions of each node, by their own times and levels. */
export class DecisionOrder {
  readonly #table: OperationTable;
  readonly #levels: Levels;

  constructor(table: OperationTable, levels: Levels) {
    this.#table = table;
    this.#levels = levels;
  }

  /**
   * The rows of a bucket with a level, in scratch space of `byLast`: by node and time as a whole, then by level within
   * each moment, since both are nearly in order already. A bucket keeps them until `byLast` is used again.
   */
  sorted(bucket: BucketRows): Uint32Array {
    bucket.byDecision ??= this.#sort(bucket);
    return bucket.byDecision;
  }

  #sort(bucket: BucketRows): Uint32Array {
    const levels = this.#levels;
    const rows = this.#findRows(bucket);
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

  /** Negative if `a` comes first. */
  compare(a: number, b: number): number {
    const { kinds, costTokens } = this.#table;
    return (
      this.#levels.node(a) - this.#levels.node(b) ||
      this.#levels.bucketUs(a) - this.#levels.bucketUs(b) ||
      this.#levels.of(b) - this.#levels.of(a) ||
      ((kinds[a] as number) & KIND.outcome) - ((kinds[b] as number) & KIND.outcome) ||
      (costTokens[b] as number) - (costTokens[a] as number) // a cost of 0 found the level that the others left
    );
  }

  #findRows(bucket: BucketRows): Uint32Array {
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
