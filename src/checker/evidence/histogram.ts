/** Latencies in microseconds. Each percentile is the upper end of a histogram bucket, whose width is at most 1.6%. */
export interface LatencyFigures {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

const STEPS_PER_DOUBLING = 64;
const STEP_BITS = 6;

/** Counts durations: exact below 128 us, then in 64 steps for each doubling. */
export class LatencyHistogram {
  /** Allocated for the first duration: there are many cells, and most of them have no duration for most outcomes. */
  #counts: Uint32Array | undefined;
  #count = 0;
  #maxUs = 0;

  add(us: number): void {
    this.#counts ??= new Uint32Array(STEPS_PER_DOUBLING * 48);
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** Adds the counts of another histogram. */
  addAll(other: LatencyHistogram): void {
    const more = other.#counts;
    if (more === undefined) return;
    if (this.#counts === undefined) this.#counts = more.slice();
    else
      for (let bucket = 0; bucket < more.length; bucket++)
        this.#counts[bucket] = (this.#counts[bucket] as number) + (more[bucket] as number);
    this.#count += other.#count;
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  figures(): LatencyFigures {
    return {
      count: this.#count,
      p50Us: this.#percentile(0.5),
      p99Us: this.#percentile(0.99),
      maxUs: this.#maxUs,
    };
  }

  #percentile(share: number): number {
    const counts = this.#counts ?? [];
    let left = Math.ceil(share * this.#count);
    for (let bucket = 0; bucket < counts.length; bucket++) {
      left -= counts[bucket] as number;
      if (left <= 0) return Math.min(this.#maxUs, upperEndOf(bucket));
    }
    return this.#maxUs;
  }
}

/** The leading seven bits of a duration in [64 * 2^k, 128 * 2^k) select its histogram bucket. */
function bucketOf(us: number): number {
  const doublings = Math.max(0, Math.floor(Math.log2(Math.max(1, us))) - STEP_BITS);
  return Math.min(STEPS_PER_DOUBLING * 47, doublings * STEPS_PER_DOUBLING + Math.floor(us / 2 ** doublings));
}

function upperEndOf(bucket: number): number {
  if (bucket < 2 * STEPS_PER_DOUBLING) return bucket;
  const doublings = Math.floor(bucket / STEPS_PER_DOUBLING) - 1;
  return (bucket - doublings * STEPS_PER_DOUBLING + 1) * 2 ** doublings - 1;
}
