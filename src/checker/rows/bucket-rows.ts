import { isReservationStep } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { rowsWhere, sortRows } from './sort-rows.ts';

/**
 * The rows of one bucket that matter for its level, in the two orders that the checkers use. One object serves all
 * buckets: its arrays grow to the largest bucket and are reused.
 */
export class BucketRows {
  readonly table: OperationTable;
  /** Allowed, denied and open rows in the order of invocation; the first `count`. */
  byInvoked = new Uint32Array(0);
  /** Those with a last moment, ordered by it; the first `lastCount`. */
  byLast = new Uint32Array(0);
  /** The rows with a level, as `DecisionOrder` sorts them, in the space of `byLast`; undefined until it has. */
  byDecision: Uint32Array | undefined;
  bucket = -1;
  count = 0;
  lastCount = 0;
  denials = 0;
  /** Whether a row without a charge may have written the bucket: a cost of 0, a refund, a failure, a repetition. */
  hasFree = false;
  /** Whether a reservation was settled or expired, or may have been: that writes the bucket and reports no level. */
  hasSettled = false;
  /** Refunds that were or may have been made, in the order of invocation. The arrays above do not contain them. */
  refunds: number[] = [];

  constructor(table: OperationTable) {
    this.table = table;
  }

  /** Only these rows of one bucket, in the order of invocation. */
  static of(table: OperationTable, rows: ArrayLike<number>): BucketRows {
    return BucketRows.#owning(table, Uint32Array.from(rows));
  }

  static #owning(table: OperationTable, rows: Uint32Array<ArrayBuffer>): BucketRows {
    const some = new BucketRows(table);
    some.byInvoked = rows;
    some.count = rows.length;
    for (const row of some.byInvoked)
      if (((table.kinds[row] as number) & KIND.outcome) === KIND.denied) some.denials++;
    return some;
  }

  /** The loaded rows that satisfy a condition, as a table of the same rows has them, in an object of their own. */
  where(holds: (row: number) => boolean, table: OperationTable = this.table): BucketRows {
    const { bucket, byInvoked, count } = this;
    const some = BucketRows.#owning(table, rowsWhere(byInvoked.subarray(0, count), holds));
    some.bucket = bucket;
    return some;
  }

  /** Some of the loaded rows, in the order of invocation, in an object of their own. */
  some(rows: readonly number[]): BucketRows {
    const some = BucketRows.of(this.table, rows);
    some.bucket = this.bucket;
    return some;
  }

  /** Returns `byLast` as scratch space of the bucket's size. `byLast` is invalid until `loadByLast()`. */
  lendByLast(): Uint32Array {
    this.lastCount = 0;
    this.byDecision = undefined;
    this.#growByLast();
    return this.byLast;
  }

  load(bucket: number): void {
    const { table } = this;
    const { starts, kinds, costTokens, invokedUs } = table;
    const start = starts[bucket] as number;
    const end = starts[bucket + 1] as number;
    if (this.byInvoked.length < end - start)
      this.byInvoked = new Uint32Array(roundUp(end - start, table.rows));
    this.bucket = bucket;
    this.byDecision = undefined;
    this.denials = 0;
    this.refunds = [];
    this.hasFree = false;
    this.hasSettled = false;
    let count = 0;
    for (let row = start; row < end; row++) {
      const kind = kinds[row] as number;
      const outcome = kind & KIND.outcome;
      if (isReservationStep(kind) && (costTokens[row] as number) <= 0) this.hasSettled = true;
      if ((kind & KIND.merged) !== 0 || outcome === KIND.failed) {
        this.hasFree = true;
        continue;
      }
      const cost = costTokens[row] as number;
      if (cost <= 0) {
        this.hasFree = true;
        if (cost < 0 && outcome !== KIND.denied) this.refunds.push(row);
        continue;
      }
      if (outcome === KIND.denied) this.denials++;
      this.byInvoked[count++] = row;
    }
    this.count = count;
    this.lastCount = 0;
    sortRows(this.byInvoked, count, (row) => invokedUs[row] as number);
    this.refunds.sort((a, b) => (invokedUs[a] as number) - (invokedUs[b] as number));
  }

  /** Fills `byLast`, which not every checker needs. */
  loadByLast(): void {
    if (this.lastCount > 0) return;
    const { table, byInvoked, count } = this;
    this.byDecision = undefined;
    this.#growByLast();
    let lastCount = 0;
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      if (table.lastUs(row) !== Number.POSITIVE_INFINITY) this.byLast[lastCount++] = row;
    }
    this.lastCount = lastCount;
    sortRows(this.byLast, lastCount, (row) => table.lastUs(row));
  }

  #growByLast(): void {
    if (this.byLast.length < this.byInvoked.length) this.byLast = new Uint32Array(this.byInvoked.length);
  }
}

function roundUp(rows: number, most: number): number {
  return Math.min(most, Math.max(1_024, 2 * rows));
}
