import type { WallClock } from './stated-wait.ts';

/** What is known for the judgement of stated values. */
export interface StatedContext {
  /** By how many tokens of a bucket a level may be stated too high; Infinity if no bound is declared. */
  readonly excessOf: (bucket: number) => number;
  /** Whether the strategy declares that it states fewer tokens and longer waits. */
  readonly declaresTooLow: boolean;
  /** The limiter's time of day, if it is known. */
  readonly wall?: WallClock;
}
