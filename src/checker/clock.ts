import type { ClockReading } from '../history/operation.ts';

/**
 * How far a server's clock can have run ahead of the recorder's while the run lasted, or behind it. Refill runs
 * on the server's clock S, intervals on the recorder's. Over-admission is judged against
 *   capacity + refill * epsilonUs   and   refill * (1 + rhoPpm / 10^6),
 * false denials against
 *   cost + refill * (epsilonUs + backwardUs + spreadUs)   and   refill * (1 + slowPpm / 10^6).
 *
 * Readings give S(t) - t = rho * t + R(t), with rho the slope between the first and the last. So for s < e:
 * S(e) - S(s) <= (1 + rho)(e - s) + max R - min R; that range is epsilon. Each reading bounds R by its error,
 * and by what its neighbours allow a clock that slews no faster than the kernel lets it.
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
  /** The sum of all steps back: a bucket waits until its clock has caught up. */
  readonly backwardUs: number;
  /** How far apart the clocks of different nodes are: what a bucket waits after a failover. */
  readonly spreadUs: number;
}

export interface ClockStep {
  readonly node: string;
  readonly atUs: number;
  readonly byUs: number;
}

/** The kernel slews a clock by at most 500 ppm. */
const MAX_SLEW = 500 / 1_000_000;

/** What the slew and the errors of reading leave unexplained is a step from here on. */
const MIN_STEP_US = 1_000;

/**
 * Joins what the recorder read with what the decisions say of their servers' clocks. A blurred reading between
 * two sharp ones would hide a step from both, so of the decisions only the sharp ones are taken.
 */
export function joinReadings(
  recorded: readonly ClockReading[],
  ofDecisions: readonly ClockReading[],
): ClockReading[] {
  const sharp = [...groupByNode([...recorded, ...ofDecisions])].map(([node, readings]) => {
    const errors = readings.map(({ errorUs }) => errorUs).sort((a, b) => a - b);
    return [node, Math.max(MIN_STEP_US, 2 * (errors[errors.length >> 2] ?? 0))] as const;
  });
  const mostUs = new Map(sharp);
  return [...recorded, ...ofDecisions.filter(({ node, errorUs }) => errorUs <= (mostUs.get(node) ?? 0))];
}

/** Bounds from readings of any number of nodes; without readings the clocks are taken for one clock. */
export function boundClock(readings: readonly ClockReading[]): ClockBounds {
  const nodes = [...groupByNode(readings).values()].map(boundNode);
  const rates = nodes.map(({ rhoPpm }) => rhoPpm);
  const steps = nodes.flatMap((node) => node.steps);
  return {
    epsilonUs: Math.max(0, ...nodes.map(({ epsilonUs }) => epsilonUs)),
    rhoPpm: rates.length === 0 ? 0 : Math.max(...rates),
    slowPpm: rates.length === 0 ? 0 : Math.min(...rates),
    backwardUs: steps.reduce((sum, { byUs }) => sum + Math.max(0, -byUs), 0),
    spreadUs: nodes.length < 2 ? 0 : spreadOf(nodes),
    steps,
  };
}

function groupByNode(readings: readonly ClockReading[]): Map<string, ClockReading[]> {
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
  /** Server minus recorder, as the sharpest reading has it. */
  readonly offset: { readonly lowestUs: number; readonly highestUs: number };
}

function spreadOf(nodes: readonly NodeBounds[]): number {
  const lowestUs = Math.min(...nodes.map(({ offset }) => offset.lowestUs));
  return Math.ceil(Math.max(...nodes.map(({ offset }) => offset.highestUs)) - lowestUs);
}

function boundNode(readings: readonly ClockReading[]): NodeBounds {
  const { offsets, steps } = withoutSteps(readings.toSorted((a, b) => a.atUs - b.atUs));
  const sharpest = offsets.reduce((best, next) => (next.errorUs < best.errorUs ? next : best));
  const [first, last] = endsOf(offsets);
  const spanUs = last.atUs - first.atUs;
  const rhoPpm = spanUs === 0 ? 0 : Math.ceil(((last.offsetUs - first.offsetUs) * 1_000_000) / spanUs);
  const residuals = offsets.map(({ atUs, offsetUs, errorUs }) => {
    const residual = offsetUs - first.offsetUs - ((atUs - first.atUs) * rhoPpm) / 1_000_000;
    return { atUs, highest: residual + errorUs, lowest: residual - errorUs };
  });
  tighten(residuals);
  tighten(residuals.toReversed());
  const highest = residuals.reduce((most, range) => Math.max(most, range.highest), Number.NEGATIVE_INFINITY);
  const lowest = residuals.reduce((least, range) => Math.min(least, range.lowest), Number.POSITIVE_INFINITY);
  const betweenUs =
    2 *
    MAX_SLEW *
    residuals.reduce((most, { atUs }, i) => Math.max(most, atUs - (residuals[i - 1]?.atUs ?? atUs)), 0);
  return {
    epsilonUs: Math.ceil(highest - lowest + betweenUs),
    rhoPpm,
    steps,
    offset: {
      lowestUs: sharpest.offsetUs - sharpest.errorUs,
      highestUs: sharpest.offsetUs + sharpest.errorUs,
    },
  };
}

/**
 * The readings that the slope is drawn through: the sharpest of the first and of the last tenth of the time.
 * Any slope is sound, since epsilon is what it leaves over; a good one leaves less.
 */
function endsOf(offsets: readonly Offset[]): [Offset, Offset] {
  const firstUs = offsets[0]?.atUs ?? 0;
  const lastUs = offsets.at(-1)?.atUs ?? 0;
  const tenthUs = (lastUs - firstUs) / 10;
  const sharpest = (some: readonly Offset[]) =>
    some.reduce((best, next) => (next.errorUs < best.errorUs ? next : best));
  return [
    sharpest(offsets.filter(({ atUs }) => atUs <= firstUs + tenthUs)),
    sharpest(offsets.filter(({ atUs }) => atUs >= lastUs - tenthUs)),
  ];
}

/** A reading cannot lie further from its neighbour than a slew over the time between them. */
function tighten(ranges: { atUs: number; highest: number; lowest: number }[]): void {
  for (const [index, range] of ranges.entries()) {
    const last = ranges[index - 1];
    if (last === undefined) continue;
    const slewUs = Math.abs(range.atUs - last.atUs) * MAX_SLEW;
    range.highest = Math.min(range.highest, last.highest + slewUs);
    range.lowest = Math.max(range.lowest, last.lowest - slewUs);
  }
}

interface Offset {
  readonly atUs: number;
  readonly offsetUs: number;
  readonly errorUs: number;
}

/** Server minus recorder at each reading, as if no step had happened. */
function withoutSteps(sorted: readonly ClockReading[]): { offsets: Offset[]; steps: ClockStep[] } {
  const steps: ClockStep[] = [];
  const offsets: Offset[] = [];
  let steppedUs = 0;
  let last: ClockReading | undefined;
  for (const reading of sorted) {
    if (last !== undefined) {
      const recorderUs = reading.atUs - last.atUs;
      const gainedUs = reading.serverUs - last.serverUs - recorderUs;
      const explainedUs = recorderUs * MAX_SLEW + reading.errorUs + last.errorUs;
      if (Math.abs(gainedUs) > explainedUs + MIN_STEP_US) {
        steps.push({ node: reading.node, atUs: reading.atUs, byUs: gainedUs });
        steppedUs += gainedUs;
      }
    }
    offsets.push({
      atUs: reading.atUs,
      offsetUs: reading.serverUs - reading.atUs - steppedUs,
      errorUs: reading.errorUs,
    });
    last = reading;
  }
  return { offsets, steps };
}
