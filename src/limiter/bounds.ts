/** What happened during a run that a strategy's bound depends on, for the buckets of one shard of the slots. */
export interface Episodes {
  /** The primary that began with the slots. */
  readonly shard: string;
  /** Every takeover by another primary: how long both decided, at least 0. */
  readonly failovers: readonly { readonly atUs: number; readonly node: string; readonly overlapUs: number }[];
  /** Primaries that came back without what they had. */
  readonly emptyRestarts: number;
  /** Forward steps of the deciding clocks. */
  readonly clockStepsUs: readonly number[];
  /** The largest distance between the clocks of two services that decide by their own. */
  readonly serviceClockSpreadUs: number;
}

/** The excess a strategy declares it may reach, for any one bucket. Tokens. */
export interface DeclaredBound {
  readonly totalExcess: number;
  readonly worstWindow: number;
  /** The sum with its numbers, as a person can check it. */
  readonly formula: string;
}
