/** The events of one shard during a run, as far as a strategy's bound depends on them. */
export interface Episodes {
  /** The primary that served the slots first; empty if no decision names its node. */
  readonly shard: string;
  /** Every takeover by another primary. */
  readonly failovers: readonly Takeover[];
  /** How many restarts of primaries lost their data. */
  readonly emptyRestarts: number;
  /** Forward steps of the deciding clocks. With `perRegionBucket` also backward steps, below 0. */
  readonly clockStepsUs: readonly number[];
  /** The largest difference between the clocks of services that decide by their own clock, at any two times. */
  readonly serviceClockSpreadUs: number;
  /** Only for a strategy with `perRegionBucket`. */
  readonly sideBySide?: PerRegionBucket;
  /** When services admitted by their failure policy; absent if none did. */
  readonly fallbacks?: readonly Fallback[];
}

/** What Redis admitted of the buckets of one shard and policy. */
export interface Admissions {
  /** The longest time from a request to its reply. */
  readonly longestUs: number;
  /** How many times one bucket at most may have rested for as long as it takes to fill. */
  readonly rests: number;
}

/**
 * A period in which a service admitted by its failure policy. Microseconds on the recorder's clock. A service that was
 * restarted meanwhile has a further one without admissions, since it began with a full share.
 */
export interface Fallback {
  readonly region: string;
  /** The service of the region, where it has several. */
  readonly instance?: string;
  /** The request of the first such admission. */
  readonly fromUs: number;
  /** The reply of the last one. */
  readonly untilUs: number;
  readonly admissions: number;
}

/** The facts that bound the excess of a strategy with `perRegionBucket`. */
export interface PerRegionBucket {
  readonly regions: number;
  /** The greatest age of data of another region behind any admission; null if some admission had no such data. */
  readonly ageUs: number | null;
  /** The largest difference between the clocks of the regions' servers. */
  readonly clockSpreadUs: number;
}

/** Another primary began to decide for the buckets of a shard. Microseconds on the recorder's clock. */
export interface Takeover {
  readonly atUs: number;
  readonly node: string;
  /**
   * The last decision of earlier primaries minus its first decision; 0 if they did not overlap. Of buckets that had moved
   * away also its own last decision minus its first one, if their new home decided meanwhile.
   */
  readonly overlapUs: number;
  /** How far its clock may have been ahead of the previous node's, beyond the allowed drift; absent if not at all. */
  readonly clockAheadUs?: number;
}

/** The excess that a strategy may reach for any one bucket, in tokens; null if it declares no bound. */
export interface DeclaredBound {
  readonly totalExcess: number | null;
  readonly worstWindow: number | null;
  /** The sum with its numbers, for a reader to check. */
  readonly formula: string;
}

/** How far the values that a strategy states may be from those of an ideal bucket. */
export interface DeclaredStated {
  /** A level may be too high by the declared bound, since the strategy may admit as much. */
  readonly tooHigh?: 'bound';
  /** Any number of tokens fewer, and any longer wait. */
  readonly tooLow?: true;
}
