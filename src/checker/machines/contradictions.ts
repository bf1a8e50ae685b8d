import type { ClockReading } from '../../history/records/operation.ts';
import { MIN_STEP_US } from '../clocks/steps.ts';
import { type MachineReadings, nearConstant, onBase } from './node-clock.ts';
import type { OffsetPoint } from './offset-point.ts';
import { findSegments } from './segments.ts';
import type { Contradiction } from './steady-offset.ts';
import { SteppingClock } from './stepping-clock.ts';

/** Readings that no clocks explain: of one machine with the base, or of two machines with each other. */
export type ClockContradiction =
  | ({ readonly type: 'base'; readonly machine: string } & Contradiction)
  | {
      readonly type: 'node';
      readonly node: string;
      /** The machines of `least` and `most`. */
      readonly machines: readonly [string, string];
      readonly least: ClockReading;
      readonly most: ClockReading;
      readonly apartUs: number;
    };

interface Reader {
  readonly machine: string;
  readonly points: readonly OffsetPoint[];
  /** What its readings alone say. */
  readonly clock: SteppingClock;
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Each machine is compared with so many others, so that a thousand take no longer than a hundred. */
const MOST_OTHERS = 8;

/**
 * Machines whose readings of one Redis node contradict each other, by the time of the base: one reads what the other's
 * readings before and after exclude, although the clock may have stepped in between. The worst of each pair.
 */
export function findDisagreements(
  node: string,
  machines: readonly MachineReadings[],
  rate: number,
): ClockContradiction[] {
  const read = machines.filter(({ times }) => times.length > 0);
  const nearUs = nearConstant(
    read.flatMap(({ toBase, times }) => times.map((reading) => ({ toBase, reading }))),
  );
  const readers = read.map(({ machine, toBase, times }): Reader => {
    const points = times.map((reading) => onBase(reading, { toBase, nearUs, rate }));
    const segments = findSegments(points, rate).segments.map((segment) => ({ ...segment, steppedUs: 0 }));
    const fromUs = points.reduce((first, point) => Math.min(first, point.untilUs), Number.POSITIVE_INFINITY);
    const untilUs = points.reduce((last, point) => Math.max(last, point.fromUs), Number.NEGATIVE_INFINITY);
    return { machine, points, clock: new SteppingClock(segments, rate), fromUs, untilUs };
  });
  return readers.flatMap((reader, at) => {
    const others = Array.from({ length: Math.min(MOST_OTHERS, readers.length - 1) }, (_, next) => {
      return readers[(at + 1 + next) % readers.length] as Reader;
    });
    return others.flatMap((other) => worstBetween(node, reader, other) ?? []);
  });
}

/** The reading of `other` that `reader` excludes most. */
function worstBetween(node: string, reader: Reader, other: Reader): ClockContradiction | undefined {
  let [worst, apartUs, isAbove]: [OffsetPoint | undefined, number, boolean] = [undefined, MIN_STEP_US, false];
  for (const point of other.points) {
    if (point.fromUs < reader.fromUs || point.untilUs > reader.untilUs) continue;
    const aboveUs = point.lowest + point.untilUs - reader.clock.most(point.untilUs);
    const belowUs = reader.clock.least(point.fromUs) - (point.highest + point.fromUs);
    if (Math.max(aboveUs, belowUs) <= apartUs) continue;
    [worst, apartUs, isAbove] = [point, Math.max(aboveUs, belowUs), aboveUs > belowUs];
  }
  if (worst === undefined) return undefined;
  const near = nearest(reader.points, worst.atUs);
  const [least, most] = isAbove ? [worst, near] : [near, worst];
  const machines = isAbove
    ? ([other.machine, reader.machine] as const)
    : ([reader.machine, other.machine] as const);
  return { type: 'node', node, machines, least: least.reading, most: most.reading, apartUs };
}

function nearest(points: readonly OffsetPoint[], us: number): OffsetPoint {
  return points.reduce((best, point) =>
    Math.abs(point.atUs - us) < Math.abs(best.atUs - us) ? point : best,
  );
}
