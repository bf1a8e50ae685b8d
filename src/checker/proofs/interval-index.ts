import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { countWhile } from '../rows/sort-rows.ts';

/** Operations of one bucket, indexed by time, to find those that can have taken effect between two others. */
export class IntervalIndex {
  readonly #table: OperationTable;
  readonly #byInvoked: readonly number[];
  readonly #byLast: readonly number[];
  readonly #invokedCosts: readonly number[];
  readonly #lastCosts: readonly number[];

  private constructor(table: OperationTable, rows: readonly number[]) {
    this.#table = table;
    this.#byInvoked = rows.toSorted((a, b) => this.#invokedUs(a) - this.#invokedUs(b));
    this.#byLast = rows.toSorted((a, b) => compare(table.lastUs(a), table.lastUs(b)));
    this.#invokedCosts = this.#sums(this.#byInvoked);
    this.#lastCosts = this.#sums(this.#byLast);
  }

  static ofRows(table: OperationTable, rows: readonly number[]): IntervalIndex {
    return new IntervalIndex(table, rows);
  }

  /** The operations that may have charged the bucket and left no level in the history. */
  static withoutLevel(table: OperationTable, bucket: number): IntervalIndex {
    const rows: number[] = [];
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const kind = table.kinds[row] as number;
      const outcome = kind & KIND.outcome;
      if ((kind & KIND.merged) !== 0) continue;
      const isAllowed = outcome === KIND.allowed && Number.isNaN(table.levels?.of(row) ?? Number.NaN);
      if (isAllowed || outcome === KIND.info) rows.push(row);
    }
    return new IntervalIndex(table, rows);
  }

  /** The tokens of the operations that can have taken effect in [sinceUs, untilUs]. */
  costBetween(sinceUs: number, untilUs: number): number {
    const started = this.#countInvokedBy(untilUs);
    const over = this.#countLastBefore(sinceUs);
    return (this.#invokedCosts[started] ?? 0) - (this.#lastCosts[over] ?? 0);
  }

  /** Whether an operation that satisfies `isSuch` can have taken effect in [sinceUs, untilUs]. */
  some(sinceUs: number, untilUs: number, isSuch: (row: number) => boolean): boolean {
    for (let at = this.#countLastBefore(sinceUs); at < this.#byLast.length; at++) {
      const row = this.#byLast[at] as number;
      if (this.#invokedUs(row) <= untilUs && isSuch(row)) return true;
      if (this.#earliestFrom(at) > untilUs) return false;
    }
    return false;
  }

  /** The row with the latest completion before `us`. */
  lastCompletedBefore(us: number): number | undefined {
    return this.#byLast[this.#countLastBefore(us) - 1];
  }

  #invokedUs(row: number): number {
    return this.#table.invokedUs[row] as number;
  }

  #sums(rows: readonly number[]): number[] {
    let sum = 0;
    return [0, ...rows.map((row) => (sum += this.#table.costTokens[row] as number))];
  }

  #earliest: number[] | undefined;

  /** The earliest invocation among the rows from place `at` on, in the order of completion. */
  #earliestFrom(at: number): number {
    if (this.#earliest === undefined) {
      let earliest = Number.POSITIVE_INFINITY;
      this.#earliest = new Array(this.#byLast.length);
      for (let place = this.#byLast.length - 1; place >= 0; place--) {
        earliest = Math.min(earliest, this.#invokedUs(this.#byLast[place] as number));
        this.#earliest[place] = earliest;
      }
    }
    return this.#earliest[at] ?? Number.POSITIVE_INFINITY;
  }

  #countInvokedBy(us: number): number {
    return countWhile(this.#byInvoked, this.#byInvoked.length, (row) => this.#invokedUs(row) <= us);
  }

  #countLastBefore(us: number): number {
    return countWhile(this.#byLast, this.#byLast.length, (row) => this.#table.lastUs(row) < us);
  }
}

/** Like `a - b`, also for two infinities, whose difference is NaN. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
