import type { BucketRows } from '../rows/bucket-rows.ts';
import { numbersOf } from '../rows/sort-rows.ts';

/** Sums of the costs of operations invoked since a moment: a Fenwick tree over the order of invocation. */
export class Sums {
  readonly #times: Float64Array;
  readonly #tree: Float64Array;
  readonly #invokedUs: Float64Array;
  #total = 0;

  constructor({ table }: BucketRows, rows: Uint32Array) {
    this.#invokedUs = table.invokedUs;
    this.#times = numbersOf(rows, (row) => table.invokedUs[row] as number).sort();
    this.#tree = new Float64Array(rows.length + 1);
  }

  add(row: number, cost: number): void {
    this.#total += cost;
    const place = this.#countBefore(this.#invokedUs[row] as number);
    for (let at = place + 1; at < this.#tree.length; at += at & -at)
      this.#tree[at] = (this.#tree[at] as number) + cost;
  }

  since(us: number): number {
    let before = 0;
    for (let at = this.#countBefore(us); at > 0; at -= at & -at) before += this.#tree[at] as number;
    return this.#total - before;
  }

  #countBefore(us: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) < us) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
