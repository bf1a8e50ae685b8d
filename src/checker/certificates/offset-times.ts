import { countUntil } from '../machines/offset-point.ts';

/** The most points of one clock, and the least time between two. */
const MOST_POINTS = 1_024;
const LEAST_APART_US = 100_000;

/** The most readings of one machine that are points, and the least time between two: rounding is a small part of the drift. */
const MOST_READINGS = 4_096;
const LEAST_BETWEEN_US = 10_000;

export interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** The moments of the points of an offset, which lies on a line between two of them. Whole microseconds. */
export interface OffsetTimes {
  readonly count: number;
  at(point: number): number;
  /** The last point that is not after a moment. */
  pointBefore(us: number): number;
  /** The next one, or the same if that alone has the offset of this moment. */
  pointAfter(us: number, before: number): number;
}

/** At equal distances. Of a span that is not finite there are none. */
export function evenTimes({ fromUs, untilUs }: Span): OffsetTimes {
  const startUs = Math.floor(fromUs);
  const apartUs = Math.max(LEAST_APART_US, Math.ceil((untilUs - fromUs) / MOST_POINTS));
  const count = Math.ceil((untilUs - fromUs) / apartUs) + 2;
  return {
    count: Number.isFinite(fromUs) ? count : 0,
    at: (point) => startUs + point * apartUs,
    pointBefore: (us) => Math.min(count - 2, Math.max(0, Math.floor((us - startUs) / apartUs))),
    pointAfter: (_, before) => before + 1,
  };
}

/** A moment at which a clock was read. */
export interface ReadMoment {
  readonly atUs: number;
  readonly errorUs: number;
}

/**
 * Where a clock was read, of many readings the most exact: what a reading says holds at its point, and not beside it. In
 * between as often as `evenTimes`.
 */
export function timesOfReadings(span: Span, readings: readonly ReadMoment[]): OffsetTimes {
  const even = evenTimes(span);
  const slotUs = Math.max(LEAST_BETWEEN_US, (span.untilUs - span.fromUs) / MOST_READINGS);
  const best = new Map<number, ReadMoment>();
  for (const reading of readings) {
    const slot = Math.floor((reading.atUs - span.fromUs) / slotUs);
    if (reading.errorUs < (best.get(slot)?.errorUs ?? Number.POSITIVE_INFINITY)) best.set(slot, reading);
  }
  const read = [...best.values()].map(({ atUs }) => Math.round(atUs)).sort((a, b) => a - b);
  const points = read.filter(apart(LEAST_BETWEEN_US));
  const times = Float64Array.from([...points, ...pointsBetween(points, even)]).sort();
  return {
    count: times.length,
    at: (point) => times[point] as number,
    pointBefore: (us) => Math.max(0, countUntil(times, us) - 1),
    pointAfter: (us, before) =>
      us <= (times[before] as number) || before === times.length - 1 ? before : before + 1,
  };
}

/** Whether a moment is so far after the last one that was. */
function apart(leastUs: number): (us: number) => boolean {
  let lastUs = Number.NEGATIVE_INFINITY;
  return (us) => {
    if (us - lastUs < leastUs) return false;
    lastUs = us;
    return true;
  };
}

/** The even points that are not close to one of the rising others. */
function pointsBetween(points: readonly number[], even: OffsetTimes): number[] {
  let next = 0;
  return Array.from({ length: even.count }, (_, point) => even.at(point)).filter((us) => {
    while (next < points.length && (points[next] as number) < us) next++;
    const [before = Number.NEGATIVE_INFINITY, after = Number.POSITIVE_INFINITY] = [
      points[next - 1],
      points[next],
    ];
    return us - before >= LEAST_BETWEEN_US && after - us >= LEAST_BETWEEN_US;
  });
}
