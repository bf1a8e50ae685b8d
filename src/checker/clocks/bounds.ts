import { groupBy } from '../../core/group-by.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import type { ClockGrant } from './grant.ts';
import {
  type ClockStep,
  computeRanges,
  gainOverHiddenSteps,
  MAX_SLEW,
  MIN_STEP_US,
  type OffsetRange,
} from './steps.ts';

/**
 * How far a server's clock can have run ahead of the recorder's clock or behind it during the run. Refill runs on the
 * server's clock S, intervals run on the recorder's clock. The bound for over-admission is
 *   capacity + refill * epsilonUs   and   refill * (1 + rhoPpm / 10^6),
 * the bound for false denials is
 *   cost + refill * (epsilonUs + backwardUs + spreadUs)   and   refill * (1 + slowPpm / 10^6).
 *
 * Readings give S(t) - t = rho * t + R(t), with rho the slope between the first and the last. So for s < e:
 *   S(e) - S(s) <= (1 + rho)(e - s) + max R - min R, where that range is epsilon.
 * Each reading bounds R by its error, and by the neighboring readings, since the kernel limits the slew of a clock. The
 * reading errors may hide a step between two that were seen: see `gainOverHiddenSteps`.
 */
export interface ClockBounds extends ClockSlack, ClockLag {
  /** Jumps faster than any slew. A step is subtracted from the readings and widens nothing. */
  readonly steps: readonly ClockStep[];
}

/** How much the server's clock may have gained. */
export interface ClockSlack {
  readonly epsilonUs: number;
  /** Parts per million, for the fastest node; negative if the server's clock ran slower. */
  readonly rhoPpm: number;
}

/** How much the server's clock may have lost, so that a correct limiter refilled less. */
export interface ClockLag {
  readonly epsilonUs: number;
  /** Parts per million, for the slowest node. */
  readonly slowPpm: number;
  /** The sum of all steps back, including one that reading errors may hide: a bucket waits until its clock caught up. */
  readonly backwardUs: number;
  /** The part of it that no reading shows, and that may have come at any time. Default: what the steps leave of it. */
  readonly unseenBackwardUs?: number;
  readonly steps?: readonly ClockStep[];
  /** How far the clocks of different nodes are apart: the wait of a bucket after a failover. */
  readonly spreadUs: number;
  /** Only of a bucket that moved: it may lag again after it has been full. */
  readonly lagReturns?: true;
}

/**
 * The steps back that can have happened by `us`. A step that a reading shows came after the reading before it, so it excuses
 * nothing that was over by then.
 */
export function backwardBy(
  { backwardUs, unseenBackwardUs = 0, steps = [], lagReturns }: ClockLag,
  us: number,
): number {
  if (lagReturns) return backwardUs;
  const laterUs = steps.reduce(
    (sum, { byUs, fromUs }) => (fromUs !== undefined && fromUs > us ? sum + Math.max(0, -byUs) : sum),
    0,
  );
  return Math.max(unseenBackwardUs, backwardUs - laterUs);
}

/** The sum of all steps ahead. */
export function stepsAheadUs({ steps }: Pick<ClockBounds, 'steps'>): number {
  return steps.reduce((sum, { byUs }) => sum + Math.max(0, byUs), 0);
}

/**
 * The same clocks with all that a bucket on them gains: also a step ahead, and the move to a node whose clock is ahead. An
 * excess by these is an excess; but what the limiter then states of its level is true.
 */
export function withGains<C extends ClockBounds>(clock: C): C {
  return { ...clock, epsilonUs: clock.epsilonUs + stepsAheadUs(clock) + clock.spreadUs };
}

/**
 * Joins the recorder's readings with those from decisions. Of the decisions only the sharp ones are kept: a blurred one
 * adds nothing to its neighbors, unless it contradicts them. Then the clock stepped, and no sharp reading shows the step.
 */
export function joinReadings(
  recorded: readonly ClockReading[],
  ofDecisions: readonly ClockReading[],
): ClockReading[] {
  const mostUs = new Map(
    [...groupByNode([...recorded, ...ofDecisions])].map(([node, readings]) => {
      const errors = readings.map(({ errorUs }) => errorUs).sort((a, b) => a - b);
      return [node, Math.max(MIN_STEP_US, 2 * (errors[errors.length >> 2] ?? 0))] as const;
    }),
  );
  const isSharp = ({ node, errorUs }: ClockReading) => errorUs <= (mostUs.get(node) ?? 0);
  const sharp = [...recorded, ...ofDecisions.filter(isSharp)];
  const ofNode = groupByNode(sharp);
  for (const readings of ofNode.values()) readings.sort((a, b) => a.atUs - b.atUs);
  const blurred = ofDecisions.filter((reading) => !isSharp(reading));
  return [...sharp, ...blurred.filter((reading) => isContradicted(reading, ofNode.get(reading.node) ?? []))];
}

/** Whether the readings before and after it both contradict it, unless the clock stepped. */
function isContradicted(reading: ClockReading, sorted: readonly ClockReading[]): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as ClockReading).atUs <= reading.atUs) low = middle + 1;
    else high = middle;
  }
  const neighbors = [sorted[low - 1], sorted[low]].filter((one) => one !== undefined);
  return neighbors.length > 0 && neighbors.every((one) => gapBetween(one, reading) > 0);
}

/** The gap between two readings that neither their errors nor a slew between them explains. Microseconds. */
function gapBetween(a: ClockReading, b: ClockReading): number {
  const apartUs = Math.abs(a.serverUs - a.atUs - (b.serverUs - b.atUs));
  return apartUs - a.errorUs - b.errorUs - Math.abs(a.atUs - b.atUs) * MAX_SLEW;
}

/** The range of a server's clock minus the recorder's over all its readings, without steps. */
export interface ClockOffset {
  readonly lowestUs: number;
  readonly highestUs: number;
}

/** The offset of each node's clock, from its readings. */
export function boundOffsets(readings: readonly ClockReading[]): Map<string, ClockOffset> {
  return new Map(
    [...groupByNode(readings)].map(([node, ofNode]) => {
      const { ranges } = computeRanges(ofNode);
      return [
        node,
        {
          lowestUs: ranges.reduce((least, { lowest }) => Math.min(least, lowest), Number.POSITIVE_INFINITY),
          highestUs: ranges.reduce((most, { highest }) => Math.max(most, highest), Number.NEGATIVE_INFINITY),
        },
      ];
    }),
  );
}

/** The span in which a clock matters. Microseconds of the recorder. */
export interface ClockSpan {
  readonly fromUs: number;
  readonly untilUs: number;
}

const AS_READ: ClockSpan = { fromUs: Number.POSITIVE_INFINITY, untilUs: Number.NEGATIVE_INFINITY };

const NOTHING_GRANTED: ClockGrant = { slackUs: 0, driftPpm: 0 };

/**
 * Bounds from the readings of any number of nodes, over their own span and that of the operations, plus the grant. A
 * clock with steps of `slackUs` shows for any time e - s at most e - s + slackUs and at least e - s - slackUs, so the
 * slack is a part of epsilon. Without readings the bounds are the grant alone. `slew`: the most by which a clock drifts.
 */
export function boundClock(
  readings: readonly ClockReading[],
  span: ClockSpan = AS_READ,
  { slackUs, driftPpm } = NOTHING_GRANTED,
  slew = MAX_SLEW,
): ClockBounds {
  const nodes = [...groupByNode(readings).values()].map((ofNode) => boundNode(ofNode, span, slew));
  const rates = nodes.map(({ rhoPpm }) => rhoPpm);
  const steps = nodes.flatMap((node) => node.steps);
  return {
    epsilonUs: slackUs + Math.max(0, largest(nodes.map(({ epsilonUs }) => epsilonUs))),
    rhoPpm: rates.length === 0 ? driftPpm : largest(rates),
    slowPpm: rates.length === 0 ? 0 - driftPpm : least(rates),
    backwardUs:
      Math.max(0, largest(nodes.map(({ hiddenUs }) => hiddenUs))) +
      steps.reduce((sum, { byUs }) => sum + Math.max(0, -byUs), 0),
    spreadUs: nodes.length < 2 ? 0 : computeSpread(nodes),
    steps,
  };
}

/** The largest possible single step back of a clock that was read. A step back that was seen may hide another of any size. */
export function largestStepBackUs({ epsilonUs, backwardUs, steps }: ClockBounds): number {
  const isSeen = steps.some(({ byUs }) => byUs < 0);
  return isSeen ? Number.POSITIVE_INFINITY : Math.max(MIN_STEP_US, epsilonUs, backwardUs);
}

export function groupByNode(readings: readonly ClockReading[]): Map<string, ClockReading[]> {
  return groupBy(readings, ({ node }) => node);
}

interface NodeBounds {
  readonly epsilonUs: number;
  readonly rhoPpm: number;
  readonly steps: readonly ClockStep[];
  /** The largest step back that can have happened unseen between two readings. */
  readonly hiddenUs: number;
  readonly readings: readonly ClockReading[];
}

/** Works for long arrays: as arguments of one call they would not fit on the stack. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

function least(values: readonly number[]): number {
  return values.reduce((sofar, value) => Math.min(sofar, value), Number.POSITIVE_INFINITY);
}

/**
 * An upper bound of the distance between two nodes' clocks at one moment, from single readings, since the place of a step
 * is uncertain. The gain that all clocks share does not count.
 */
function computeSpread(nodes: readonly NodeBounds[]): number {
  const rates = nodes.map(({ rhoPpm }) => rhoPpm);
  const commonPpm = (largest(rates) + least(rates)) / 2;
  const fromUs = nodes[0]?.readings[0]?.atUs ?? 0;
  const offsets = nodes.flatMap((node) =>
    node.readings.map(({ atUs, serverUs, errorUs }) => {
      const offsetUs = serverUs - atUs - ((atUs - fromUs) * commonPpm) / 1_000_000;
      return { lowest: offsetUs - errorUs, highest: offsetUs + errorUs };
    }),
  );
  return Math.ceil(
    largest(offsets.map(({ highest }) => highest)) - least(offsets.map(({ lowest }) => lowest)),
  );
}

function boundNode(readings: readonly ClockReading[], span: ClockSpan, slew: number): NodeBounds {
  const { ranges, steps, unexplainedUs, eitherWayUs, hiddenUs, sinceStart, sinceEnd } = computeRanges(
    readings,
    slew,
  );
  const [first, last] = [ranges[0], ranges.at(-1)] as [OffsetRange, OffsetRange]; // every node has a reading
  const rhoPpm = slopePpm(first, last);
  const driftAt = (us: number) => ((us - first.atUs) * rhoPpm) / 1_000_000;
  const residuals = ranges.map(({ atUs, highest, lowest }) => {
    const driftUs = driftAt(atUs);
    return { highest: highest - driftUs, lowest: lowest - driftUs };
  });
  const highest = residuals.reduce((most, range) => Math.max(most, range.highest), Number.NEGATIVE_INFINITY);
  const lowest = residuals.reduce((least, range) => Math.min(least, range.lowest), Number.POSITIVE_INFINITY);
  const steppedUs = gainOverHiddenSteps({ sinceStart, sinceEnd, steps }, driftAt);
  const unreadUs = farthestFromReading(ranges, { first, last, span });
  const betweenUs = (slew + Math.abs(rhoPpm) / 1_000_000) * unreadUs; // the residual slews against the line
  return {
    epsilonUs: Math.ceil(Math.max(highest - lowest, steppedUs) + betweenUs + unexplainedUs),
    rhoPpm,
    steps,
    hiddenUs: hiddenUs + eitherWayUs,
    readings,
  };
}

/**
 * The longest time for which the residual can have moved away and back without a reading: the longest gap between two
 * readings, or half of it plus the time before the first or after the last, or these two together.
 */
function farthestFromReading(
  ranges: readonly OffsetRange[],
  { first, last, span }: { first: OffsetRange; last: OffsetRange; span: ClockSpan },
): number {
  const longestGapUs = ranges.reduce(
    (most, { atUs }, i) => Math.max(most, atUs - (ranges[i - 1]?.atUs ?? atUs)),
    0,
  );
  const [beforeUs, afterUs] = [Math.max(0, first.atUs - span.fromUs), Math.max(0, span.untilUs - last.atUs)];
  return Math.max(longestGapUs, longestGapUs / 2 + beforeUs, longestGapUs / 2 + afterUs, beforeUs + afterUs);
}

function slopePpm(first: OffsetRange, last: OffsetRange): number {
  const spanUs = last.atUs - first.atUs;
  const gainedUs = (last.highest + last.lowest - first.highest - first.lowest) / 2;
  return spanUs === 0 ? 0 : Math.ceil((gainedUs * 1_000_000) / spanUs);
}
