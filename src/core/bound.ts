/** What happened during a run that a strategy's bound depends on, for the buckets of one shard of the slots. */
export interface Episodes {
  /** The primary that began with the slots; empty when no decision says who made it. */
  readonly shard: string;
  /** Every takeover by another primary: how long both decided, at least 0. */
  readonly failovers: readonly Takeover[];
  /** Primaries that came back without what they had. */
  readonly emptyRestarts: number;
  /** Forward steps of the deciding clocks; where regions decided side by side, those back as well, below 0. */
  readonly clockStepsUs: readonly number[];
  /** The largest distance between the clocks of services that decide by their own, and between now and before. */
  readonly serviceClockSpreadUs: number;
  /** Absent unless regions decided side by side, each on its own server. */
  readonly sideBySide?: SideBySide;
  /** When regions admitted by their failure policy; absent where none did. */
  readonly fallbacks?: readonly Fallback[];
}

/** An episode in which a region admitted by its failure policy. Microseconds of the recorder. */
export interface Fallback {
  readonly region: string;
  /** The first of those admissions was asked for. */
  readonly fromUs: number;
  /** The last was answered. */
  readonly untilUs: number;
  readonly admissions: number;
}

/** What the excess of regions that decide side by side depends on. */
export interface SideBySide {
  readonly regions: number;
  /** The oldest knowledge of another region that any admission was decided on; null where some had heard of none. */
  readonly ageUs: number | null;
  /** How far apart the clocks of their servers are. */
  readonly clockSpreadUs: number;
}

/** Another primary began to decide for the buckets of a shard. Microseconds of the recorder. */
export interface Takeover {
  readonly atUs: number;
  readonly node: string;
  /** The last decision of those before it minus its first, 0 if they did not overlap. */
  readonly overlapUs: number;
  /**
   * By how much its clock can have been ahead of that of the node before it, beyond what the check grants any clock;
   * absent where that is nothing.
   */
  readonly clockAheadUs?: number;
}

/** The excess a strategy declares it may reach, for any one bucket. Tokens; null where it declares nothing. */
export interface DeclaredBound {
  readonly totalExcess: number | null;
  readonly worstWindow: number | null;
  /** The sum with its numbers, as a person can check it. */
  readonly formula: string;
}
