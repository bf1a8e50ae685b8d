import { given } from '../../core/given.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { MAX_SLEW_PPM } from './grant.ts';

export interface ClockStep {
  readonly node: string;
  readonly atUs: number;
  readonly byUs: number;
  /** The last moment at which a reading shows that it had not happened; absent if none does. */
  readonly fromUs?: number;
}

export const MAX_SLEW = MAX_SLEW_PPM / 1_000_000;

/** A gap that neither slew nor reading errors explain is a step from this size on; a smaller gap is slack. */
export const MIN_STEP_US = 1_000;

/** The range of server minus recorder at one moment, as if no step had happened. */
export interface OffsetRange {
  readonly atUs: number;
  /** The number of steps before it. */
  readonly steps: number;
  lowest: number;
  highest: number;
}

/** The ranges of one node's clock offset, by reading. `slew`: the most by which it drifts, as a ratio. */
export function computeRanges(readings: readonly ClockReading[], slew = MAX_SLEW) {
  const found = withoutSteps(
    readings.toSorted((a, b) => a.atUs - b.atUs),
    slew,
  );
  const sinceEnd = found.ranges.map((range) => ({ ...range }));
  tighten(sinceEnd.toReversed(), slew);
  tighten(found.ranges, slew);
  const hiddenUs = hiddenStepBack(found.ranges, sinceEnd, slew);
  const sinceStart = found.ranges.map((range) => ({ ...range }));
  tighten(found.ranges.toReversed(), slew);
  return { ...found, hiddenUs, sinceStart, sinceEnd };
}

/**
 * The largest step back that no two readings contradict: from the highest offset that the readings before it allow, to
 * the lowest that the readings after it allow. Sharp readings on both sides leave next to nothing.
 */
function hiddenStepBack(
  sinceStart: readonly OffsetRange[],
  sinceEnd: readonly OffsetRange[],
  slew: number,
): number {
  return sinceEnd.reduce((most, after, index) => {
    const before = sinceStart[index - 1];
    if (before === undefined || before.steps !== after.steps) return most;
    const slewUs = (after.atUs - before.atUs) * slew;
    return Math.max(most, Math.ceil(before.highest - after.lowest + slewUs));
  }, 0);
}

/** By the readings from the first on, and by those from the last back; the ranges of each step apart. */
interface BothWays {
  readonly sinceStart: readonly OffsetRange[];
  readonly sinceEnd: readonly OffsetRange[];
}

/**
 * The most that an offset can have gained between two moments if the clock stepped once, unseen, between two steps that
 * were seen, before the first and after the last of them. `driftAt` is subtracted from each.
 */
export function gainOverHiddenSteps(
  { sinceStart, sinceEnd, steps }: BothWays & { readonly steps: readonly ClockStep[] },
  driftAt: (us: number) => number,
): number {
  let [most, lowest, highest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let from = 0, until = 0; from < sinceStart.length; from = until) {
    while (sinceStart[until]?.steps === sinceStart[from]?.steps) until++;
    const [next, byUs] = [sinceStart[until], steps[sinceStart[from]?.steps ?? 0]?.byUs];
    const ofSegment = {
      sinceStart: sinceStart.slice(from, until),
      sinceEnd: withoutUnclear(sinceEnd.slice(from, until), next, byUs),
    };
    const own = rangeWithHiddenStep(ofSegment, driftAt);
    most = Math.max(most, gainOverOneStep(ofSegment, driftAt), own.highest - lowest, highest - own.lowest);
    lowest = Math.min(lowest, own.lowest);
    highest = Math.max(highest, own.highest);
  }
  return most;
}

/** Readings right before a step that was seen may be of after it: then they say nothing that those before do not say. */
function withoutUnclear(
  sinceEnd: readonly OffsetRange[],
  next: OffsetRange | undefined,
  byUs = 0,
): readonly OffsetRange[] {
  if (next === undefined) return sinceEnd;
  const isUnclear = ({ atUs, lowest, highest }: OffsetRange) => {
    const slewUs = (next.atUs - atUs) * MAX_SLEW;
    return lowest - byUs <= next.highest + slewUs && highest - byUs >= next.lowest - slewUs;
  };
  const last = Math.max(
    0,
    sinceEnd.findLastIndex((range) => !isUnclear(range)),
  );
  const clear = sinceEnd[last] as OffsetRange;
  return sinceEnd.map((range, at) => {
    const slewUs = (range.atUs - clear.atUs) * MAX_SLEW;
    return at <= last ? range : { ...range, lowest: clear.lowest - slewUs, highest: clear.highest + slewUs };
  });
}

/** All offsets between two steps that were seen, if the clock stepped once, unseen, between two readings. */
function rangeWithHiddenStep({ sinceStart, sinceEnd }: BothWays, driftAt: (us: number) => number) {
  const ranges = sinceStart.length === 1 ? sinceStart : [...sinceStart.slice(0, -1), ...sinceEnd.slice(1)];
  return ranges.reduce(
    (sofar, { atUs, lowest, highest }) => ({
      lowest: Math.min(sofar.lowest, lowest - driftAt(atUs)),
      highest: Math.max(sofar.highest, highest - driftAt(atUs)),
    }),
    { lowest: Number.POSITIVE_INFINITY, highest: Number.NEGATIVE_INFINITY },
  );
}

/** The readings before an unseen step bound nothing after it. */
function gainOverOneStep({ sinceStart, sinceEnd }: BothWays, driftAt: (us: number) => number): number {
  const after = sinceEnd.toReversed().map(({ atUs, lowest, highest }) => {
    const driftUs = driftAt(atUs);
    return { lowest: lowest - driftUs, highest: highest - driftUs };
  });
  let [lowestAfter, highestAfter] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const ofSuffix = after
    .map(({ lowest, highest }) => {
      lowestAfter = Math.min(lowestAfter, lowest);
      highestAfter = Math.max(highestAfter, highest);
      return { lowest: lowestAfter, highest: highestAfter };
    })
    .toReversed();
  let [lowest, highest, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const [index, before] of sinceStart.slice(0, -1).entries()) {
    const driftUs = driftAt(before.atUs);
    lowest = Math.min(lowest, before.lowest - driftUs);
    highest = Math.max(highest, before.highest - driftUs);
    const then = ofSuffix[index + 1];
    if (then === undefined) continue;
    most = Math.max(most, then.highest - lowest, highest - lowest, then.highest - then.lowest);
  }
  return most;
}

/** Limits each offset to its neighbor's plus the slew over the time between them. */
function tighten(ranges: readonly OffsetRange[], slew: number): void {
  for (const [index, range] of ranges.entries()) {
    const last = ranges[index - 1];
    if (last === undefined || last.steps !== range.steps) continue;
    const slewUs = Math.abs(range.atUs - last.atUs) * slew;
    range.highest = Math.max(range.lowest, Math.min(range.highest, last.highest + slewUs));
    range.lowest = Math.min(range.highest, Math.max(range.lowest, last.lowest - slewUs));
  }
}

/**
 * Follows the possible offsets from reading to reading. If a reading contradicts all before it, the clock stepped in
 * between, and the step is subtracted from what follows. The size of a step is uncertain by the errors of the two
 * readings, so the readings before it bound nothing after it. Two readings with overlapping intervals may have been in
 * the other order: a step ahead between them may be a step back (`eitherWayUs`).
 */
function withoutSteps(sorted: readonly ClockReading[], slew: number) {
  const steps: ClockStep[] = [];
  const ranges: OffsetRange[] = [];
  let [steppedUs, unexplainedUs, eitherWayUs] = [0, 0, 0];
  let possible: OffsetRange | undefined;
  let lastUs = Number.NEGATIVE_INFINITY;
  for (const [index, { node, atUs, serverUs, errorUs }] of sorted.entries()) {
    const offsetUs = serverUs - atUs - steppedUs;
    let own = { atUs, steps: steps.length, lowest: offsetUs - errorUs, highest: offsetUs + errorUs };
    if (possible !== undefined) {
      const slewUs = (atUs - possible.atUs) * slew;
      const [lowest, highest] = [possible.lowest - slewUs, possible.highest + slewUs];
      const gapUs = Math.max(own.lowest - highest, lowest - own.highest, 0);
      if (gapUs > MIN_STEP_US) {
        const byUs = Math.round(offsetUs - (lowest + highest) / 2);
        steps.push({ node, atUs, byUs, ...given({ fromUs: lastBeforeStep(sorted, index, slew) }) });
        if (byUs > 0 && atUs - errorUs < lastUs) eitherWayUs += byUs;
        steppedUs += byUs;
        own = { atUs, steps: steps.length, lowest: own.lowest - byUs, highest: own.highest - byUs };
        possible = own;
      } else {
        unexplainedUs += gapUs;
        possible = { ...own, lowest: Math.max(own.lowest, lowest), highest: Math.min(own.highest, highest) };
        if (possible.lowest > possible.highest) possible = own;
      }
    } else {
      possible = own;
    }
    lastUs = Math.max(lastUs, atUs + errorUs);
    ranges.push({ ...own });
  }
  return { ranges, steps, unexplainedUs, eitherWayUs };
}

/**
 * When the last reading was made that shows another offset than the one at `index`, whatever the errors and the slew: the
 * clock stepped after it.
 */
function lastBeforeStep(sorted: readonly ClockReading[], index: number, slew: number): number | undefined {
  const after = sorted[index] as ClockReading;
  for (let at = index - 1; at >= 0; at--) {
    const { atUs, serverUs, errorUs } = sorted[at] as ClockReading;
    const apartUs = Math.abs(serverUs - atUs - (after.serverUs - after.atUs));
    if (apartUs > errorUs + after.errorUs + (after.atUs - atUs) * slew) return atUs - errorUs;
  }
  return undefined;
}
