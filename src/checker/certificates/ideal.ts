import type { Attempt, Demands, Gain } from './demands.ts';
import type { Charge, FoundLevel } from './found-level.ts';

/** Where the answers of an attempt begin to differ from the recorded ones. */
export interface Miss {
  /** By how much the denial that misses least found too much, in units of the level. 0 without any. */
  needed: number;
}

/** An ideal limiter that moves through time, and the rows of its demands with it. Times never decrease. */
export interface Level<M extends Miss> {
  readonly nowUs: number;
  /** Its level; of several buckets that of the first. */
  readonly quanta: number;
  levelAt(us: number): number;
  /** Whether a row finds its cost now. */
  has(row: number): boolean;
  /** When a row finds its cost; Infinity if it never does. */
  availableUs(row: number): number;
  refill(us: number): void;
  /** Takes the cost of a row, which could be taken until `untilUs`. */
  take(row: number, untilUs: number): void;
  gain(gain: Gain): void;
  /** By how much a denial of this row finds too much. */
  needed(row: number): number;
  /** What has to change for the sake of a denial of this row that finds too much now. */
  missOf(row: number): M;
  /** Whether a charge can be the reason of a denial. */
  mayExplain(charge: number, denial: number): boolean;
  /** A moment at which a charge leaves the level that was found later; undefined if there is none. */
  explainingMoment(found: FoundLevel, charge: Charge): number | undefined;
}

/** A kind of ideal limiter, and how another attempt can find an order where one failed. */
export interface Ideal<M extends Miss> {
  begin(demands: Demands, attempt: Attempt): Level<M>;
  /** The demands with what the attempt holds back. */
  arrange(demands: Demands, attempt: Attempt): Demands;
  /** The demands in another order, for admissions that found no place; undefined if there is none. */
  reorder(demands: Demands): Demands | undefined;
  /**
   * An attempt that mends the misses; undefined if there is none. `share`: of what the admissions allow beyond what is
   * needed.
   */
  later(attempt: Attempt, misses: Iterable<M>, share: number): Attempt | undefined;
}
