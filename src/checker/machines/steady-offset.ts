import type { ClockReading } from '../../history/records/operation.ts';
import { byTime, countUntil, type OffsetPoint } from './offset-point.ts';

/** Two readings that no offset explains: one says at least, the other at most, and they are `apartUs` apart. */
export interface Contradiction {
  readonly least: ClockReading;
  readonly most: ClockReading;
  readonly apartUs: number;
}

/** The bounds of the offset of another clock, at any moment of the own one. Microseconds. */
export interface Offset {
  lowest(us: number): number;
  highest(us: number): number;
  /** At least the largest distance between the two in this span. */
  widestUs(fromUs: number, untilUs: number): number;
}

/** Of a clock to itself. */
export const NO_OFFSET: Offset = { lowest: () => 0, highest: () => 0, widestUs: () => 0 };

/**
 * The offset between two clocks of which neither steps: the intersection of what all readings say. The readings are
 * tightened by each other once, forwards and backwards. Between two of them
 *   lowest(u) = max(lowest_i - rate * (u - t_i), lowest_j - rate * (t_j - u)).
 */
export class SteadyOffset implements Offset {
  readonly #times: Float64Array;
  readonly #lowest: Float64Array;
  readonly #highest: Float64Array;
  readonly #rate: number;
  /** The readings that contradict each other most; absent if none do. */
  readonly contradiction: Contradiction | undefined;

  constructor(points: readonly OffsetPoint[], rate: number) {
    const sorted = points.toSorted(byTime);
    this.#rate = rate;
    this.#times = Float64Array.from(sorted, ({ atUs }) => atUs);
    this.#lowest = Float64Array.from(sorted, ({ lowest }) => lowest);
    this.#highest = Float64Array.from(sorted, ({ highest }) => highest);
    const least = this.#tighten(this.#lowest, 1);
    const most = this.#tighten(this.#highest, -1);
    this.contradiction = this.#separate((at) => [sorted[least[at] as number], sorted[most[at] as number]]);
  }

  lowest(us: number): number {
    return this.#bound(this.#lowest, us, 1);
  }

  highest(us: number): number {
    return this.#bound(this.#highest, us, -1);
  }

  widestUs(fromUs: number, untilUs: number): number {
    const times = this.#times;
    const width = (us: number) => this.highest(us) - this.lowest(us);
    let widest = Math.max(width(fromUs), width(untilUs));
    for (let at = Math.max(0, countUntil(times, fromUs) - 1); at + 1 < times.length; at++) {
      if ((times[at] as number) > untilUs) break;
      const slewUs = this.#rate * ((times[at + 1] as number) - (times[at] as number));
      const [one, other] = [at, at + 1].map(
        (knot) => (this.#highest[knot] as number) - (this.#lowest[knot] as number),
      ) as [number, number];
      widest = Math.max(widest, (one + other) / 2 + slewUs);
    }
    return widest;
  }

  /** `sign`: 1 for lower bounds, -1 for upper ones. Returns which point bounds each. */
  #tighten(bounds: Float64Array, sign: 1 | -1): Uint32Array {
    const sources = Uint32Array.from(bounds, (_, at) => at);
    const limit = (at: number, by: number) => {
      const apartUs = Math.abs((this.#times[at] as number) - (this.#times[by] as number));
      const bound = (bounds[by] as number) - sign * this.#rate * apartUs;
      if (sign * bound <= sign * (bounds[at] as number)) return;
      bounds[at] = bound;
      sources[at] = sources[by] as number;
    };
    for (let at = 1; at < bounds.length; at++) limit(at, at - 1);
    for (let at = bounds.length - 2; at >= 0; at--) limit(at, at + 1);
    return sources;
  }

  /** Parts crossed bounds, so that each moment has an offset, and returns the readings that crossed most. */
  #separate(
    sourcesOf: (at: number) => [OffsetPoint | undefined, OffsetPoint | undefined],
  ): Contradiction | undefined {
    let [worst, apartUs] = [-1, 0];
    for (let at = 0; at < this.#times.length; at++) {
      const [lowest, highest] = [this.#lowest[at] as number, this.#highest[at] as number];
      if (lowest <= highest) continue;
      this.#lowest[at] = highest;
      this.#highest[at] = lowest;
      if (lowest - highest > apartUs) [worst, apartUs] = [at, lowest - highest];
    }
    const [least, most] = worst < 0 ? [] : sourcesOf(worst);
    if (least === undefined || most === undefined) return undefined;
    return { least: least.reading, most: most.reading, apartUs };
  }

  #bound(bounds: Float64Array, us: number, sign: 1 | -1): number {
    const times = this.#times;
    const after = countUntil(times, us);
    let bound = -sign * Number.POSITIVE_INFINITY;
    if (after > 0)
      bound = (bounds[after - 1] as number) - sign * this.#rate * (us - (times[after - 1] as number));
    if (after === times.length) return bound;
    const next = (bounds[after] as number) - sign * this.#rate * ((times[after] as number) - us);
    return sign * Math.max(sign * bound, sign * next);
  }
}
