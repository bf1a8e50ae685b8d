import type { LevelOperation } from '../checker/proofs/level-band.ts';
import { OUTCOME_LETTERS, type PageBucket, type Violation } from '../report/html/page-data.ts';

/** An operation of a bucket as it is drawn. */
export interface Drawn extends LevelOperation {
  readonly index: number;
  readonly region: string;
  /** The row in which it does not overlap another operation. */
  readonly lane: number;
  readonly violation?: Violation;
}

/** The operations of a bucket, out of its columns, in the order of invocation. */
export function collectOperations(bucket: PageBucket, regions: readonly string[]): Drawn[] {
  const violations = new Map(bucket.violations.toReversed().map((violation) => [violation.at, violation]));
  const lanes = new Lanes();
  let [invokedUs, index] = [0, 0];
  return bucket.invokedUs.map((differenceUs, at) => {
    invokedUs += differenceUs;
    index += bucket.indices[at] ?? 0;
    const durationUs = bucket.durationUs[at] ?? -1;
    const lastUs = durationUs < 0 ? Number.POSITIVE_INFINITY : invokedUs + durationUs;
    const violation = violations.get(at);
    return {
      invokedUs,
      lastUs,
      index,
      costTokens: bucket.costs?.[at] ?? 1,
      outcome: OUTCOME_LETTERS[bucket.outcomes[at] as keyof typeof OUTCOME_LETTERS] ?? 'info',
      region: regions[bucket.regions[at] ?? 0] ?? '',
      lane: lanes.find(invokedUs, Number.isFinite(lastUs) ? lastUs : invokedUs + OPEN_US),
      ...(violation === undefined ? {} : { violation }),
    };
  });
}

/** The length of the bar of an operation with an unknown end. */
export const OPEN_US = 200_000;

/** Distributes intervals over the fewest rows without overlap. */
class Lanes {
  readonly #ends: number[] = [];

  find(fromUs: number, untilUs: number): number {
    const free = this.#ends.findIndex((endUs) => endUs < fromUs);
    const lane = free >= 0 ? free : this.#ends.length;
    this.#ends[lane] = untilUs;
    return lane;
  }
}
