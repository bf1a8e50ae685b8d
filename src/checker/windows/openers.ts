import type { BucketRows } from '../rows/bucket-rows.ts';
import { countWhile } from '../rows/sort-rows.ts';

/**
 * All operations of a bucket that can open a window: cost 0, refunds, denials, attempts without a known answer, and
 * failed attempts, which may have reached the key.
 */
export class Openers {
  readonly #startsUs: Float64Array;
  /** The latest end of all operations up to each place in the order of invocation. */
  readonly #latestUs: Float64Array;

  constructor({ table, bucket }: BucketRows) {
    const [start, end] = [table.starts[bucket] as number, table.starts[bucket + 1] as number];
    const rows = Uint32Array.from({ length: end - start }, (_, at) => start + at).sort(
      (a, b) => (table.invokedUs[a] as number) - (table.invokedUs[b] as number),
    );
    this.#startsUs = Float64Array.from(rows, (row) => table.invokedUs[row] as number);
    let latestUs = Number.NEGATIVE_INFINITY;
    this.#latestUs = Float64Array.from(rows, (row) => (latestUs = Math.max(latestUs, table.lastUs(row))));
  }

  /** Whether one of them can have taken effect in [fromUs, toUs]. */
  anyWithin(fromUs: number, toUs: number): boolean {
    const started = countWhile(this.#startsUs, this.#startsUs.length, (us) => us <= toUs);
    return started > 0 && (this.#latestUs[started - 1] as number) >= fromUs;
  }
}
