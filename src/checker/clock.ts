import type { ClockReading } from '../history/operation.ts';
import type { ClockGrant } from './clock-grant.ts';
import {
  type ClockStep,
  gainOverOneStep,
  MAX_SLEW,
  MIN_STEP_US,
  type OffsetRange,
  rangesOf,
} from './clock-steps.ts';

/**
 * How far a server's clock can have run ahead of the recorder's while the run lasted, or behind it. Refill runs
 * on the server's clock S, intervals on the recorder's. Over-admission is judged against
 *   capacity + refill * epsilonUs   and   refill * (1 + rhoPpm / 10^6),
 * false denials against
 *   cost + refill * (epsilonUs + backwardUs + spreadUs)   and   refill * (1 + slowPpm / 10^6).
 *
 * Readings give S(t) - t = rho * t + R(t), with rho the slope between the first and the last. So for s < e:
 * S(e) - S(s) <= (1 + rho)(e - s) + max R - min R; that range is epsilon. Each reading bounds R by its error,
 * and by what its neighbours allow clocks that slew no faster than the kernel lets them. Where no step was seen, one may be
 * hidden by the errors of reading: see `gainOverOneStep`.
 */
export interface ClockBounds extends ClockSlack, ClockLag {
  /** Jumps faster than any slew. A step is taken out of the readings: it widens nothing. */
  readonly steps: readonly ClockStep[];
}

/** How much the server's clock may have gained. */
export interface ClockSlack {
  readonly epsilonUs: number;
  /** Parts per million, of the fastest node; negative where the server's clock ran slower. */
  readonly rhoPpm: number;
}

/** How much it may have lost: by what a limiter may rightly have refilled less. */
export interface ClockLag {
  readonly epsilonUs: number;
  /** Parts per million, of the slowest node. */
  readonly slowPpm: number;
  /** The sum of all steps back, and of one that errors of reading may hide: a bucket waits until its clock caught up. */
  readonly backwardUs: number;
  /** How far apart the clocks of different nodes are: what a bucket waits after a failover. */
  readonly spreadUs: number;
}

/**
 * Joins what the recorder read with what the decisions say of their servers' clocks. Of the decisions only the
 * sharp ones are taken: a blurred one says nothing that its neighbours do not, unless it contradicts them. Then the
 * clock stepped, and was not read sharply since, or until it had stepped again.
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

/** Whether neither the reading before it nor the one after it can be true as well, unless the clock stepped. */
function isContradicted(reading: ClockReading, sorted: readonly ClockReading[]): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as ClockReading).atUs <= reading.atUs) low = middle + 1;
    else high = middle;
  }
  const beside = [sorted[low - 1], sorted[low]].filter((one) => one !== undefined);
  return beside.length > 0 && beside.every((one) => gapBetween(one, reading) > 0);
}

/** What neither the errors of two readings nor a slew between them explains. */
function gapBetween(a: ClockReading, b: ClockReading): number {
  const apartUs = Math.abs(a.serverUs - a.atUs - (b.serverUs - b.atUs));
  return apartUs - a.errorUs - b.errorUs - Math.abs(a.atUs - b.atUs) * MAX_SLEW;
}

/** Where a server's clock minus the recorder's lay at any of its readings, steps taken out. */
export interface ClockOffset {
  readonly lowestUs: number;
  readonly highestUs: number;
}

/** The offset of each node's clock, by its readings. */
export function boundOffsets(readings: readonly ClockReading[]): Map<string, ClockOffset> {
  return new Map(
    [...groupByNode(readings)].map(([node, ofNode]) => {
      const { ranges } = rangesOf(ofNode);
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

/** From when to when a clock matters. Microseconds of the recorder. */
export interface ClockSpan {
  readonly fromUs: number;
  readonly untilUs: number;
}

const AS_READ: ClockSpan = { fromUs: Number.POSITIVE_INFINITY, untilUs: Number.NEGATIVE_INFINITY };

const NOTHING_GRANTED: ClockGrant = { slackUs: 0, driftPpm: 0 };

/**
 * Bounds from readings of any number of nodes, over their own span and that of the operations, and what is granted
 * beside them. A clock that counts in steps of `slackUs` shows of any time e - s at most e - s + slackUs and at least
 * e - s - slackUs, so the slack is one more part of epsilon. Without readings there is nothing but what is granted.
 */
export function boundClock(
  readings: readonly ClockReading[],
  span: ClockSpan = AS_READ,
  { slackUs, driftPpm } = NOTHING_GRANTED,
): ClockBounds {
  const nodes = [...groupByNode(readings).values()].map((ofNode) => boundNode(ofNode, span));
  const rates = nodes.map(({ rhoPpm }) => rhoPpm);
  const steps = nodes.flatMap((node) => node.steps);
  return {
    epsilonUs: slackUs + Math.max(0, largest(nodes.map(({ epsilonUs }) => epsilonUs))),
    rhoPpm: rates.length === 0 ? driftPpm : largest(rates),
    slowPpm: rates.length === 0 ? 0 - driftPpm : least(rates),
    backwardUs:
      Math.max(0, largest(nodes.map(({ hiddenUs }) => hiddenUs))) +
      steps.reduce((sum, { byUs }) => sum + Math.max(0, -byUs), 0),
    spreadUs: nodes.length < 2 ? 0 : spreadOf(nodes),
    steps,
  };
}

/** The most that a clock that was read can have stepped back at once; where a step was seen, another may be hidden in it. */
export function largestStepBackUs({ epsilonUs, backwardUs, steps }: ClockBounds): number {
  const isSeen = steps.some(({ byUs }) => byUs < 0);
  return isSeen ? Number.POSITIVE_INFINITY : Math.max(MIN_STEP_US, epsilonUs, backwardUs);
}

export function groupByNode(readings: readonly ClockReading[]): Map<string, ClockReading[]> {
  const byNode = new Map<string, ClockReading[]>();
  for (const reading of readings) {
    const ofNode = byNode.get(reading.node);
    if (ofNode === undefined) byNode.set(reading.node, [reading]);
    else ofNode.push(reading);
  }
  return byNode;
}

interface NodeBounds {
  readonly epsilonUs: number;
  readonly rhoPpm: number;
  readonly steps: readonly ClockStep[];
  /** The most that its clock can have stepped back between two readings unseen. */
  readonly hiddenUs: number;
  readonly readings: readonly ClockReading[];
}

/** Of any number of them: as arguments of one call they would not fit on the stack. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

function least(values: readonly number[]): number {
  return values.reduce((sofar, value) => Math.min(sofar, value), Number.POSITIVE_INFINITY);
}

/**
 * How far two nodes' clocks are apart at one moment, at most, by each reading alone: where a step lies is not certain. What
 * all of them gain alike does not count.
 */
function spreadOf(nodes: readonly NodeBounds[]): number {
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

function boundNode(readings: readonly ClockReading[], span: ClockSpan): NodeBounds {
  const { ranges, steps, unexplainedUs, eitherWayUs, hiddenUs, sinceStart, sinceEnd } = rangesOf(readings);
  const [first, last] = [ranges[0], ranges.at(-1)] as [OffsetRange, OffsetRange]; // every node has a reading
  const rhoPpm = slopePpm(first, last);
  const driftAt = (us: number) => ((us - first.atUs) * rhoPpm) / 1_000_000;
  const residuals = ranges.map(({ atUs, highest, lowest }) => {
    const driftUs = driftAt(atUs);
    return { highest: highest - driftUs, lowest: lowest - driftUs };
  });
  const highest = residuals.reduce((most, range) => Math.max(most, range.highest), Number.NEGATIVE_INFINITY);
  const lowest = residuals.reduce((least, range) => Math.min(least, range.lowest), Number.POSITIVE_INFINITY);
  // Where steps were seen, they are the steps that are granted.
  const steppedUs = steps.length > 0 ? 0 : gainOverOneStep(sinceStart, sinceEnd, driftAt);
  const unreadUs = farthestFromReading(ranges, { first, last, span });
  const betweenUs = (MAX_SLEW + Math.abs(rhoPpm) / 1_000_000) * unreadUs; // the residual slews against the line
  return {
    epsilonUs: Math.ceil(Math.max(highest - lowest, steppedUs) + betweenUs + unexplainedUs),
    rhoPpm,
    steps,
    hiddenUs: hiddenUs + eitherWayUs,
    readings,
  };
}

/**
 * The most time for which the residual can have run away and back unread: the longest gap between two readings, half
 * of it on either side, or all of what lies before the first and after the last.
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
