import type { DeclaredBound, Episodes } from '../core/bound.ts';

/** The buckets of one shard and policy: what they admitted too much, beside what the strategy declares for them. */
export interface ShardFacts extends Episodes {
  readonly policy: string;
  readonly buckets: number;
  /** Of the bucket that has most; 0 tokens when none has any. */
  readonly largestExcess: Measured;
  readonly worstWindow: Measured;
  /** Absent for a strategy that declares nothing, and where it is not known who decided. */
  readonly bound?: DeclaredBound;
}

export interface Measured {
  readonly bucket: string;
  readonly tokens: number;
}
