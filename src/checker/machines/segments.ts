import { MIN_STEP_US } from '../clocks/steps.ts';
import { byTime, gapBetween, type OffsetPoint } from './offset-point.ts';

/** The readings between two steps of a clock. */
export interface Segment {
  readonly points: readonly OffsetPoint[];
  /** The sum of the steps that were seen until then, which the offsets still contain. Microseconds. */
  readonly steppedUs: number;
}

/** A step of a clock that its readings show. Own clock. */
export interface SeenStep {
  readonly atUs: number;
  readonly byUs: number;
}

interface Range {
  readonly atUs: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Cuts readings where no offset with this rate explains them. If a reading contradicts those before it, the clock stepped
 * in between. A cut of more than a millisecond is a step, whose size is estimated; a smaller one is a part of the bounds.
 *
 * Readings that may be of either side of a cut are left out: before it, those that do not contradict the first one behind
 * it and may have been made after one that does; behind it, those that began before the first one ended and agree with the
 * readings before. Readings that contradict each other in an unknown order are no cut: they count as one, with the bounds
 * of all.
 */
export function findSegments(
  points: readonly OffsetPoint[],
  rate: number,
): { readonly segments: readonly Segment[]; readonly steps: readonly SeenStep[] } {
  const cuts = cutPoints(points.toSorted(byTime), rate);
  const steps: SeenStep[] = [];
  let steppedUs = 0;
  const segments = cuts.map((ofSegment, at) => {
    const [first, before] = [ofSegment[0], cuts[at - 1]];
    if (first !== undefined && before !== undefined) {
      const [old, next] = [rangeAt(before, first.atUs, rate), rangeAt(ofSegment, first.atUs, rate)];
      const gapUs = Math.max(next.lowest - old.highest, old.lowest - next.highest);
      const byUs =
        gapUs > MIN_STEP_US ? Math.round((next.lowest + next.highest - old.lowest - old.highest) / 2) : 0;
      if (byUs !== 0) steps.push({ atUs: first.atUs, byUs });
      steppedUs += byUs;
    }
    return { points: ofSegment, steppedUs };
  });
  return { segments, steps };
}

function cutPoints(sorted: readonly OffsetPoint[], rate: number): OffsetPoint[][] {
  const cuts: OffsetPoint[][] = [];
  let [current, possible]: [OffsetPoint[], Range | undefined] = [[], undefined];
  let before: Range | undefined;
  for (const point of sorted) {
    const first = current[0];
    const isOfBoth = before !== undefined && first !== undefined && point.fromUs < first.untilUs;
    if (isOfBoth && isWithin(point, slewed(before as Range, point.atUs, rate))) continue;
    const range = rangeBy(current, { possible, atUs: point.atUs, rate });
    if (isWithin(point, range)) {
      current.push(point);
      const lowest = Math.max(point.lowest, range.lowest);
      possible = { atUs: point.atUs, lowest, highest: Math.min(point.highest, range.highest) };
      continue;
    }
    const contradicting = current.filter((one) => gapBetween(one, point, rate) > 0);
    if (contradicting.some(({ untilUs }) => untilUs <= point.fromUs)) {
      cuts.push(certainlyBefore(current, contradicting));
      before = rangeAt(cuts.at(-1) ?? [], point.atUs, rate);
      current = [point];
      possible = point;
    } else {
      const others = current.filter((one) => !contradicting.includes(one));
      current = [...others, blurred([...contradicting, point], rate)];
      possible = undefined;
    }
  }
  return current.length === 0 ? cuts : [...cuts, current];
}

/**
 * Those that contradict a later reading, and those that had ended when one of them began: all others may have been made
 * after the step.
 */
function certainlyBefore(
  points: readonly OffsetPoint[],
  contradicting: readonly OffsetPoint[],
): OffsetPoint[] {
  const sinceUs = contradicting.reduce(
    (last, { fromUs }) => Math.max(last, fromUs),
    Number.NEGATIVE_INFINITY,
  );
  const certain = new Set(contradicting);
  return points.filter((point) => certain.has(point) || point.untilUs <= sinceUs);
}

/** One reading for several that contradict each other and overlap, so that their order is unknown: the hull of all. */
function blurred(points: readonly OffsetPoint[], rate: number): OffsetPoint {
  const [one] = points as [OffsetPoint];
  const least = (of: (point: OffsetPoint) => number) =>
    points.reduce((sofar, point) => Math.min(sofar, of(point)), of(one));
  const [fromUs, untilUs] = [least((point) => point.fromUs), -least((point) => -point.untilUs)];
  const driftUs = rate * (untilUs - fromUs);
  return {
    ...{ fromUs, untilUs, reading: one.reading },
    atUs: (fromUs + untilUs) / 2,
    lowest: least(({ lowest }) => lowest) - driftUs,
    highest: driftUs - least(({ highest }) => -highest),
  };
}

interface Known {
  /** At the latest of the points; undefined if it is unknown. */
  readonly possible: Range | undefined;
  readonly atUs: number;
  readonly rate: number;
}

function rangeBy(points: readonly OffsetPoint[], { possible, atUs, rate }: Known): Range {
  return possible !== undefined && possible.atUs <= atUs
    ? slewed(possible, atUs, rate)
    : rangeAt(points, atUs, rate);
}

/** The offsets that all these points allow at one moment. */
export function rangeAt(points: readonly OffsetPoint[], atUs: number, rate: number): Range {
  let [lowest, highest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const point of points) {
    const range = slewed(point, atUs, rate);
    lowest = Math.max(lowest, range.lowest);
    highest = Math.min(highest, range.highest);
  }
  return { atUs, lowest, highest };
}

function slewed(range: Range, atUs: number, rate: number): Range {
  const slewUs = rate * Math.abs(atUs - range.atUs);
  return { atUs, lowest: range.lowest - slewUs, highest: range.highest + slewUs };
}

function isWithin({ lowest, highest }: OffsetPoint, range: Range): boolean {
  return lowest <= range.highest && highest >= range.lowest;
}
