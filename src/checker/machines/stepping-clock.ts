import { countUntil, type OffsetPoint } from './offset-point.ts';
import type { Segment } from './segments.ts';

/** What another clock, which does not go back, shows: at a moment not before `us` at least, not after it at most. */
export interface ShownTime {
  least(us: number): number;
  most(us: number): number;
}

/**
 * What a clock with steps shows, without the steps that were seen, as the time of a bucket: that does not go back.
 *
 * The readings may hide a step. So at a moment u the offset lies in the hull of two ranges: of what the readings that
 * ended by u say, and of what those that began at u or later say. One of them is true if the clock stepped once, after the
 * first reading and before the last. Before and after all others, only the first or the last one is certain. Where a step
 * was seen, u may be of several segments, and the hull is over all of them.
 *
 * Between two ends of readings each bound is the lower or the higher of two lines, with the slopes -rate and rate. A
 * bucket's time at u is the most that the clock has shown by then, so it is at most the most of (v + highest(v)) over all
 * v <= u, and at a moment after u it is at least the least of (v + lowest(v)) over all v >= u.
 */
export class SteppingClock implements ShownTime {
  readonly #rate: number;
  readonly #times: Float64Array;
  /** Of piece i, between times i - 1 and i: the line that begins at its start, and the one that ends at its end. */
  readonly #starts: Lines;
  readonly #ends: Lines;
  /** The most that any piece before shows, the least that any later one does. */
  readonly #mostBefore: Float64Array;
  readonly #leastAfter: Float64Array;

  constructor(segments: readonly Segment[], rate: number) {
    this.#rate = rate;
    const parts = segments.map((segment) => new Sides(segment, rate));
    this.#times = timesOf(segments);
    const pieces = this.#times.length + 1;
    this.#starts = new Lines(pieces);
    this.#ends = new Lines(pieces);
    this.#mostBefore = new Float64Array(pieces).fill(Number.NEGATIVE_INFINITY);
    this.#leastAfter = new Float64Array(pieces).fill(Number.POSITIVE_INFINITY);
    const windows = windowsOf(segments);
    this.#fillAll(parts, windows);
    for (let piece = 1; piece < pieces; piece++)
      this.#mostBefore[piece] = Math.max(this.#mostBefore[piece - 1] as number, this.#mostOf(piece - 1));
    for (let piece = pieces - 2; piece >= 0; piece--)
      this.#leastAfter[piece] = Math.min(this.#leastAfter[piece + 1] as number, this.#leastOf(piece + 1));
  }

  least(us: number): number {
    const piece = countUntil(this.#times, us);
    const fromStart = (this.#starts.lowest[piece] as number) - this.#rate * (us - this.#startOf(piece, us));
    const fromEnd = (this.#ends.lowest[piece] as number) - this.#rate * (this.#endOf(piece, us) - us);
    const lowest = Math.min(fromStart, fromEnd);
    return lowest === Number.POSITIVE_INFINITY
      ? Number.NEGATIVE_INFINITY
      : Math.min(us + lowest, this.#leastAfter[piece] as number);
  }

  most(us: number): number {
    const piece = countUntil(this.#times, us);
    const fromStart = (this.#starts.highest[piece] as number) + this.#rate * (us - this.#startOf(piece, us));
    const fromEnd = (this.#ends.highest[piece] as number) + this.#rate * (this.#endOf(piece, us) - us);
    const highest = Math.max(fromStart, fromEnd);
    return highest === Number.NEGATIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : Math.max(us + highest, this.#mostBefore[piece] as number);
  }

  /** The range of what it may show minus the own time, over all readings. */
  rangeUs(): number {
    let [lowest, highest] = [0, 0];
    for (const [at, us] of this.#times.entries()) {
      lowest = at === 0 ? this.least(us) - us : Math.min(lowest, this.least(us) - us);
      highest = at === 0 ? this.most(us) - us : Math.max(highest, this.most(us) - us);
    }
    return highest - lowest;
  }

  #startOf(piece: number, us: number): number {
    return this.#times[piece - 1] ?? us;
  }

  #endOf(piece: number, us: number): number {
    return this.#times[piece] ?? us;
  }

  /** Windows begin and end in the order of their segments, so those of a piece follow each other. */
  #fillAll(parts: readonly Sides[], windows: readonly Window[]): void {
    let first = 0;
    for (let piece = 0; piece <= this.#times.length; piece++) {
      const [fromUs, untilUs] = [this.#times[piece - 1], this.#times[piece]];
      const startUs = fromUs ?? Number.NEGATIVE_INFINITY;
      const endUs = untilUs ?? Number.POSITIVE_INFINITY;
      while (first < parts.length && startUs >= (windows[first] as Window).notAfterUs) first++;
      for (let at = first; at < parts.length && endUs > (windows[at] as Window).notBeforeUs; at++)
        this.#fill(piece, parts[at] as Sides, [fromUs ?? untilUs, untilUs ?? fromUs] as [number, number]);
    }
  }

  #fill(piece: number, sides: Sides, [startUs, endUs]: readonly [number, number]): void {
    const isFirst = piece === 0;
    const isLast = piece === this.#times.length;
    (isFirst ? this.#ends : this.#starts).widen(piece, sides.endedBy(startUs));
    (isLast ? this.#starts : this.#ends).widen(piece, sides.begunFrom(endUs));
  }

  /** The most that a piece shows, which it does at its end. */
  #mostOf(piece: number): number {
    const untilUs = this.#times[piece] as number;
    const fromStart =
      (this.#starts.highest[piece] as number) + this.#rate * (untilUs - this.#startOf(piece, untilUs));
    return untilUs + Math.max(fromStart, this.#ends.highest[piece] as number);
  }

  /** The least that a piece shows, which it does at its start. */
  #leastOf(piece: number): number {
    const fromUs = this.#times[piece - 1] as number;
    const fromEnd = (this.#ends.lowest[piece] as number) - this.#rate * (this.#endOf(piece, fromUs) - fromUs);
    return fromUs + Math.min(this.#starts.lowest[piece] as number, fromEnd);
  }
}

/** The bounds of each piece at one of its edges; an empty range where it has none. */
class Lines {
  readonly lowest: Float64Array;
  readonly highest: Float64Array;

  constructor(pieces: number) {
    this.lowest = new Float64Array(pieces).fill(Number.POSITIVE_INFINITY);
    this.highest = new Float64Array(pieces).fill(Number.NEGATIVE_INFINITY);
  }

  widen(piece: number, { lowest, highest }: Bounds): void {
    this.lowest[piece] = Math.min(this.lowest[piece] as number, lowest);
    this.highest[piece] = Math.max(this.highest[piece] as number, highest);
  }
}

/** When a clock can have been in a segment: not before the step that began it, not after the one that ended it. */
export interface Window {
  readonly notBeforeUs: number;
  readonly notAfterUs: number;
}

/**
 * The step before a segment came after the start of every reading of the segments before, and before the end of every
 * reading of this and later ones.
 */
export function windowsOf(segments: readonly Segment[]): Window[] {
  const least = segments.map(({ points }) =>
    points.reduce((first, { untilUs }) => Math.min(first, untilUs), Number.POSITIVE_INFINITY),
  );
  for (let at = least.length - 2; at >= 0; at--)
    least[at] = Math.min(least[at] as number, least[at + 1] as number);
  let notBeforeUs = Number.NEGATIVE_INFINITY;
  return segments.map(({ points }, at) => {
    const window = { notBeforeUs, notAfterUs: least[at + 1] ?? Number.POSITIVE_INFINITY };
    notBeforeUs = points.reduce((last, { fromUs }) => Math.max(last, fromUs), notBeforeUs);
    return window;
  });
}

function timesOf(segments: readonly Segment[]): Float64Array {
  const times = segments.flatMap(({ points }) => points.flatMap(({ fromUs, untilUs }) => [fromUs, untilUs]));
  return Float64Array.from(new Set(times)).sort();
}

interface Bounds {
  readonly lowest: number;
  readonly highest: number;
}

const NO_READING: Bounds = { lowest: Number.POSITIVE_INFINITY, highest: Number.NEGATIVE_INFINITY };

/** What the readings of one segment say before and after a moment, without the steps that were seen. */
class Sides {
  readonly #steppedUs: number;
  readonly #rate: number;
  readonly #ended: Envelope;
  readonly #begun: Envelope;
  /** Those that may have been made before all others, and after all others. */
  readonly #firsts: readonly OffsetPoint[];
  readonly #lasts: readonly OffsetPoint[];

  constructor({ points, steppedUs }: Segment, rate: number) {
    this.#steppedUs = steppedUs;
    this.#rate = rate;
    const firstUs = points.reduce((first, { untilUs }) => Math.min(first, untilUs), Number.POSITIVE_INFINITY);
    const lastUs = points.reduce((last, { fromUs }) => Math.max(last, fromUs), Number.NEGATIVE_INFINITY);
    this.#firsts = points.filter(({ fromUs }) => fromUs <= firstUs);
    this.#lasts = points.filter(({ untilUs }) => untilUs >= lastUs);
    this.#ended = envelopeOf(
      points.toSorted((a, b) => a.untilUs - b.untilUs),
      { timeOf: ({ untilUs }) => untilUs, steppedUs, rate },
    );
    this.#begun = envelopeOf(
      points.toSorted((a, b) => b.fromUs - a.fromUs),
      { timeOf: ({ fromUs }) => -fromUs, steppedUs, rate },
    );
  }

  /** What the readings that had ended say; if there are none, what the first one does. */
  endedBy(us: number): Bounds {
    return this.#at(this.#ended, us) ?? this.#hullOf(this.#firsts, us);
  }

  /** What the readings that began later say; if there are none, what the last one does. */
  begunFrom(us: number): Bounds {
    return this.#at(this.#begun, -us) ?? this.#hullOf(this.#lasts, us);
  }

  #hullOf(points: readonly OffsetPoint[], us: number): Bounds {
    let { lowest, highest } = NO_READING;
    for (const point of points) {
      const slewUs = this.#rate * Math.abs(us - point.atUs);
      lowest = Math.min(lowest, point.lowest - this.#steppedUs - slewUs);
      highest = Math.max(highest, point.highest - this.#steppedUs + slewUs);
    }
    return { lowest, highest };
  }

  #at({ times, lowest, highest }: Envelope, time: number): Bounds | undefined {
    const at = countUntil(times, time) - 1;
    if (at < 0) return undefined;
    const slewUs = this.#rate * (time - (times[at] as number));
    return { lowest: (lowest[at] as number) - slewUs, highest: (highest[at] as number) + slewUs };
  }
}

interface Envelope {
  readonly times: Float64Array;
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

/** `sorted` by `timeOf`: what each reading and those before it say at its time. */
function envelopeOf(
  sorted: readonly OffsetPoint[],
  { timeOf, steppedUs, rate }: { timeOf: (point: OffsetPoint) => number; steppedUs: number; rate: number },
): Envelope {
  const times = Float64Array.from(sorted, timeOf);
  const [lowest, highest] = [new Float64Array(times.length), new Float64Array(times.length)];
  for (const [at, point] of sorted.entries()) {
    const driftUs = (rate * (point.untilUs - point.fromUs)) / 2;
    const slewUs = at === 0 ? 0 : rate * ((times[at] as number) - (times[at - 1] as number));
    lowest[at] = Math.max(
      point.lowest - steppedUs - driftUs,
      (lowest[at - 1] ?? Number.NEGATIVE_INFINITY) - slewUs,
    );
    highest[at] = Math.min(
      point.highest - steppedUs + driftUs,
      (highest[at - 1] ?? Number.POSITIVE_INFINITY) + slewUs,
    );
  }
  return { times, lowest, highest };
}
