/** The part of an operation in the schedule of its bucket. */
export const ROLE = {
  /** Takes its tokens within its interval. */
  take: 0,
  /** Finds too few tokens at some moment of its interval. */
  denial: 1,
  /** May take its tokens, or not. */
  maybe: 2,
  /** Takes its tokens within a long interval: where the reported levels show it, else at its end. */
  late: 3,
} as const;

/** The operations of one bucket, with times of the deciding clock. A row is also a number of a gain. */
export interface Demands {
  /** Takes, denials and maybes by their first moment. */
  readonly order: Uint32Array;
  /** Refunds and resets by their first moment. */
  readonly gains: readonly Gain[];
  roleOf(row: number): number;
  /** Whole microseconds. */
  fromUs(row: number): number;
  untilUs(row: number): number;
  quantaOf(row: number): number;
  /** The level that the operation found, by its reply; NaN if unknown. */
  foundQuanta(row: number): number;
}

/** How the levels of a limiter are counted. */
export interface Measure {
  /** The level of an unused limiter. */
  readonly fullQuanta: number;
  readonly quantaPerToken: number;
  /** Whether the levels that decisions report are of this limiter. */
  readonly hasLevels: boolean;
}

export interface Gain {
  readonly row: number;
  readonly fromUs: number;
  readonly untilUs: number;
  readonly quanta: number;
}

/** Receives the operations in their order. */
export interface Sink {
  place(row: number, atUs: number): void;
  /** A window begins, before what is placed next. */
  begin(atUs: number): void;
}

export interface StartLevel {
  readonly startQuanta: number;
  /** Whether the level at the start is free to choose. */
  readonly isStartFree: boolean;
}

/** The ways in which an attempt to order the operations can differ. */
export interface Attempt extends StartLevel {
  /** The first moment of an operation that finds a full bucket, later than its own. */
  readonly holds: ReadonlyMap<number, number>;
  readonly usesMaybes: boolean;
}

/** Stands for the time before an admission found a full bucket. */
export const START = -1;

/** The first moment of all rows. */
export function startOf(demands: Demands): number {
  return demands.order.length > 0 ? demands.fromUs(demands.order[0] as number) : 0;
}
