import type { ClockReading } from '../../history/records/operation.ts';

/** What one reading says of an offset: another clock minus the own one, minus a constant. Microseconds. */
export interface OffsetPoint {
  /** The reading was sent, and its reply was received. Own clock. */
  readonly fromUs: number;
  readonly untilUs: number;
  /** The middle, at which the offset is at least `lowest` and at most `highest`. */
  readonly atUs: number;
  readonly lowest: number;
  readonly highest: number;
  readonly reading: ClockReading;
}

/** Covers the rounding of numbers of up to 2^50 microseconds. */
const ROUNDING_US = 0.25;

/** Of a ratio: 1,000 ppm are 0.001. */
export function ratioOf(ppm: number): number {
  return ppm / 1_000_000;
}

export function ppmOf(ratio: number): number {
  return Math.round(ratio * 1_000_000);
}

/** An interval of the own clock in which another clock, cut to whole microseconds, showed `shownUs`. */
interface Seen {
  readonly fromUs: number;
  readonly untilUs: number;
  /** Minus the constant of the offset. */
  readonly shownUs: number;
  readonly reading: ClockReading;
}

/**
 * A reading was sent at a, its reply came at b, and the other clock showed s: at one moment m of [a, b], whatever the way
 * there and back took. So the offset at m lies in [s - m, s + 1 - m], since s is cut to a whole microsecond. In the middle
 * of [a, b] it differs by at most rate * (b - a) / 2:
 *   s - b - rate * (b - a) / 2  <=  offset  <=  s + 1 - a + rate * (b - a) / 2.
 * At any other time it may be further away by rate * distance (Cristian 1989).
 */
export function pointOf({ fromUs, untilUs, shownUs, reading }: Seen, rate: number): OffsetPoint {
  const driftUs = (rate * (untilUs - fromUs)) / 2 + ROUNDING_US;
  return {
    ...{ fromUs, untilUs, reading },
    atUs: (fromUs + untilUs) / 2,
    lowest: shownUs - untilUs - driftUs,
    highest: shownUs + 1 - fromUs + driftUs,
  };
}

/** When a reading was sent and received. */
export function spanOf({ atUs, errorUs }: ClockReading): {
  readonly fromUs: number;
  readonly untilUs: number;
} {
  return { fromUs: atUs - errorUs, untilUs: atUs + errorUs };
}

/** By how much two points contradict each other; not positive if one offset explains both. */
export function gapBetween(one: OffsetPoint, other: OffsetPoint, rate: number): number {
  const apartUs = Math.max(one.lowest - other.highest, other.lowest - one.highest);
  return apartUs - rate * Math.abs(one.atUs - other.atUs);
}

export function byTime(a: OffsetPoint, b: OffsetPoint): number {
  return a.atUs - b.atUs;
}

/** The number of the first of these rising times that is above `us`. */
export function countUntil(times: Float64Array, us: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) <= us) low = middle + 1;
    else high = middle;
  }
  return low;
}
