import { mayGiveBack } from '../../history/columns/reservation-rows.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { MAX_SLEW_PPM } from '../clocks/grant.ts';
import type { OffsetTimes, Span } from './offset-times.ts';

/** The trend at a moment is rounded, and so is a point. */
export const ROUNDING_US = 2;

/** The lowest and the highest offset at every point. Microseconds, without the trend. */
export interface Range {
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

/** When an operation was decided by a node whose clock showed `bucketUs`. */
export interface DecidedSpan {
  readonly startUs: number;
  readonly endUs: number;
  readonly bucketUs: number;
}

/**
 * The offsets that readings and decisions allow each node, at points of time: a reading of `serverUs` at `atUs` allows
 * `serverUs - atUs`, give or take its error; a decision at its own time within its interval allows what maps the interval
 * onto that time. A limit between two points holds at both, and so on the line between them. Limits are kept without the
 * trend.
 */
export class OffsetLimits {
  readonly times: OffsetTimes;
  /** Microseconds a microsecond. */
  readonly trend: number;
  readonly #byNode = new Map<string, Range>();

  constructor(times: OffsetTimes, trend: number) {
    this.times = times;
    this.trend = trend;
  }

  get nodes(): string[] {
    return [...this.#byNode.keys()];
  }

  /** The most that the offset without the trend may change from a point to the next. */
  stepUs(point: number): number {
    const apartUs = this.times.at(point + 1) - this.times.at(point);
    return (MAX_SLEW_PPM / 1_000_000 - Math.abs(this.trend)) * apartUs - 2;
  }

  addReading({ node, atUs, serverUs, errorUs }: ClockReading): void {
    const limits = this.ofNode(node);
    this.#atLeast(limits, atUs, Math.ceil(serverUs - atUs - errorUs));
    this.#atMost(limits, atUs, Math.floor(serverUs - atUs + errorUs));
  }

  addDecision(limits: Range, { startUs, endUs, bucketUs }: DecidedSpan): void {
    this.#atMost(limits, startUs, bucketUs - Math.ceil(startUs));
    this.#atLeast(limits, endUs, bucketUs - Math.floor(endUs));
  }

  /** Whether a decision agrees with these limits. */
  allows({ lowest, highest }: Range, { startUs, endUs, bucketUs }: DecidedSpan): boolean {
    const most = bucketUs - Math.ceil(startUs) - this.driftUs(startUs) - ROUNDING_US;
    const least = bucketUs - Math.floor(endUs) - this.driftUs(endUs) + ROUNDING_US;
    const beside = (bounds: Float64Array, us: number) => {
      const before = this.times.pointBefore(us);
      return [bounds[before] as number, bounds[this.times.pointAfter(us, before)] as number];
    };
    return Math.max(...beside(lowest, startUs)) <= most && Math.min(...beside(highest, endUs)) >= least;
  }

  /** What all these nodes allow. */
  joined(nodes: readonly string[]): Range {
    const { lowest, highest } = this.unlimited();
    for (const node of nodes) {
      const one = this.ofNode(node);
      for (let point = 0; point < this.times.count; point++) {
        lowest[point] = Math.max(lowest[point] as number, one.lowest[point] as number);
        highest[point] = Math.min(highest[point] as number, one.highest[point] as number);
      }
    }
    return { lowest, highest };
  }

  ofNode(node: string): Range {
    const limits = this.#byNode.get(node) ?? this.unlimited();
    this.#byNode.set(node, limits);
    return limits;
  }

  unlimited(): Range {
    return {
      lowest: new Float64Array(this.times.count).fill(Number.NEGATIVE_INFINITY),
      highest: new Float64Array(this.times.count).fill(Number.POSITIVE_INFINITY),
    };
  }

  /** The offsets with the trend, as points of a clock. */
  pointsOf(offsetsUs: readonly number[]): [number, number][] {
    return offsetsUs.map((offsetUs, point) => {
      const atUs = this.times.at(point);
      return [atUs, offsetUs + Math.round(this.trend * (atUs - this.times.at(0)))];
    });
  }

  /** The trend until a moment. */
  driftUs(us: number): number {
    return this.trend * (Math.min(us, this.times.at(this.times.count - 1)) - this.times.at(0));
  }

  #atLeast({ lowest }: Range, us: number, offsetUs: number): void {
    const before = this.times.pointBefore(us);
    const after = this.times.pointAfter(us, before);
    const limit = this.trend === 0 ? offsetUs : offsetUs - this.driftUs(us) + ROUNDING_US;
    if (limit > (lowest[before] as number)) lowest[before] = limit;
    if (limit > (lowest[after] as number)) lowest[after] = limit;
  }

  #atMost({ highest }: Range, us: number, offsetUs: number): void {
    const before = this.times.pointBefore(us);
    const after = this.times.pointAfter(us, before);
    const limit = this.trend === 0 ? offsetUs : offsetUs - this.driftUs(us) - ROUNDING_US;
    if (limit < (highest[before] as number)) highest[before] = limit;
    if (limit < (highest[after] as number)) highest[after] = limit;
  }
}

/** From the first to the last moment of all invocations and readings; not finite without any. */
export function spanOf(table: OperationTable, readings: readonly ClockReading[]): Span {
  const { rows, invokedUs } = table;
  let [fromUs, untilUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < rows; row++) {
    if (mayGiveBack(table, row)) continue;
    const us = invokedUs[row] as number;
    if (us < fromUs) fromUs = us;
    if (us > untilUs) untilUs = us;
  }
  for (const { atUs } of readings) [fromUs, untilUs] = [Math.min(fromUs, atUs), Math.max(untilUs, atUs)];
  return { fromUs, untilUs };
}
