import type { ClockReading } from '../history/operation.ts';

/**
 * How far a server's clock can have run ahead of the recorder's while the run lasted. Refill runs on the
 * server's clock S, intervals on the recorder's: over-admission is judged against
 * capacity + refill * epsilonUs and refill * (1 + rhoPpm / 10^6).
 *
 * Readings give S(t) - t = rho * t + R(t), with rho the slope between the first and the last. So for s < e:
 * S(e) - S(s) <= (1 + rho)(e - s) + max R - min R; that range is epsilon. Each reading bounds R by its error,
 * and by what its neighbours allow a clock that slews no faster than the kernel lets it.
 */
export interface ClockBounds {
  readonly epsilonUs: number;
  /** Parts per million; negative where the server's clock ran slower. */
  readonly rhoPpm: number;
  /** Jumps faster than any slew. A step is taken out of the readings: it widens nothing. */
  readonly steps: readonly ClockStep[];
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

/** Bounds from readings of any number of nodes; without readings the clocks are taken for one clock. */
export function boundClock(readings: readonly ClockReading[]): ClockBounds {
  const nodes = new Set(readings.map(({ node }) => node));
  const bounds = [...nodes].map((node) => boundNode(readings.filter((reading) => reading.node === node)));
  return {
    epsilonUs: Math.max(0, ...bounds.map(({ epsilonUs }) => epsilonUs)),
    rhoPpm: bounds.length === 0 ? 0 : Math.max(...bounds.map(({ rhoPpm }) => rhoPpm)),
    steps: bounds.flatMap(({ steps }) => steps),
  };
}

function boundNode(readings: readonly ClockReading[]): ClockBounds {
  const { offsets, steps } = withoutSteps(readings.toSorted((a, b) => a.atUs - b.atUs));
  const [first, last] = [offsets[0], offsets.at(-1)];
  if (first === undefined || last === undefined) return { epsilonUs: 0, rhoPpm: 0, steps };
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
    2 * MAX_SLEW * Math.max(0, ...residuals.map(({ atUs }, i) => atUs - (residuals[i - 1]?.atUs ?? atUs)));
  return { epsilonUs: Math.ceil(highest - lowest + betweenUs), rhoPpm, steps };
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
