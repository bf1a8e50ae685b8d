import type { DeclaredBound, Episodes } from '../../core/bound.ts';

/** The buckets of one shard and policy: their excess and the bound that the strategy declares. */
export interface ShardFacts extends Episodes {
  readonly policy: string;
  readonly buckets: number;
  /** The largest excess of one bucket; 0 tokens if there is none. */
  readonly largestExcess: Measured;
  readonly worstWindow: Measured;
  /** Absent for a strategy without a declared bound, and if the deciding nodes are unknown. */
  readonly bound?: DeclaredBound;
}

export interface Measured {
  readonly bucket: string;
  readonly tokens: number;
}
