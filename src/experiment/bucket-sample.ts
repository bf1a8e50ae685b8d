import { makeRandom } from '../core/prng.ts';
import type { Sample } from '../history/records/operation.ts';
import type { Plan } from '../scenario/plan.ts';

/** Whether the operations of a bucket are recorded. The seed draws for each bucket by its name, whenever it is asked. */
export function isInSample({ seed, sample = 1 }: Pick<Plan, 'seed' | 'sample'>, bucket: string): boolean {
  return sample >= 1 || makeRandom(seed, `sample ${bucket}`)() < sample;
}

/** Counts the operations that are sent and not recorded. */
export class BucketSample {
  readonly #plan: Pick<Plan, 'seed' | 'sample'>;
  #others = 0;

  constructor(plan: Pick<Plan, 'seed' | 'sample'>) {
    this.#plan = plan;
  }

  /** Whether an operation of this bucket is recorded; counts it if not. */
  takes(bucket: string): boolean {
    const isIn = isInSample(this.#plan, bucket);
    if (!isIn) this.#others++;
    return isIn;
  }

  /** For the last record of the history; undefined if all buckets are recorded. */
  facts(): Sample | undefined {
    const { sample: share } = this.#plan;
    return share === undefined ? undefined : { share, others: this.#others };
  }
}
