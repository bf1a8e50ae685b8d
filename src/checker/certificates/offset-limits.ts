import { mayGiveBack } from '../../history/columns/reservation-rows.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { MAX_SLEW_PPM } from '../clocks/grant.ts';

/** The most points of one clock, and the least time between two. */
const MOST_BINS = 1_024;
const LEAST_BIN_US = 100_000;

/** The trend at a moment is rounded, and so is a point. */
export const ROUNDING_US = 2;

/** The lowest and the highest offset at both ends of every bin. Microseconds, without the trend. */
export interface Range {
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

export interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** When an operation was decided by a node whose clock showed `bucketUs`. */
export interface DecidedSpan {
  readonly startUs: number;
  readonly endUs: number;
  readonly bucketUs: number;
}

/**
 * The offsets that readings and decisions allow each node, in bins of time: a reading of `serverUs` at `atUs` allows
 * `serverUs - atUs`, give or take its error; a decision at its own time within its interval allows what maps the interval
 * onto that time. A limit within a bin holds at both ends of the bin, and so on the line between them. Limits are kept
 * without the trend.
 */
export class OffsetLimits {
  readonly fromUs: number;
  readonly binUs: number;
  readonly bins: number;
  /** Microseconds a microsecond. */
  readonly trend: number;
  readonly #byNode = new Map<string, Range>();

  /** Of a span that is not finite there are no limits. */
  constructor({ fromUs, untilUs }: Span, trend: number) {
    this.trend = trend;
    this.fromUs = Math.floor(fromUs);
    this.binUs = Math.max(LEAST_BIN_US, Math.ceil((untilUs - fromUs) / MOST_BINS));
    this.bins = Math.ceil((untilUs - fromUs) / this.binUs) + 2;
  }

  get nodes(): string[] {
    return [...this.#byNode.keys()];
  }

  /** The most that the offset without the trend may change from one bin to the next. */
  get stepUs(): number {
    return (MAX_SLEW_PPM / 1_000_000 - Math.abs(this.trend)) * this.binUs - 2;
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
    const [start, end] = [this.binOf(startUs), this.binOf(endUs)];
    const most = bucketUs - Math.ceil(startUs) - this.driftUs(startUs) - ROUNDING_US;
    const least = bucketUs - Math.floor(endUs) - this.driftUs(endUs) + ROUNDING_US;
    return (
      Math.max(lowest[start] as number, lowest[start + 1] as number) <= most &&
      Math.min(highest[end] as number, highest[end + 1] as number) >= least
    );
  }

  /** What all these nodes allow. */
  joined(nodes: readonly string[]): Range {
    const { lowest, highest } = this.unlimited();
    for (const node of nodes) {
      const one = this.ofNode(node);
      for (let bin = 0; bin < this.bins; bin++) {
        lowest[bin] = Math.max(lowest[bin] as number, one.lowest[bin] as number);
        highest[bin] = Math.min(highest[bin] as number, one.highest[bin] as number);
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
      lowest: new Float64Array(this.bins).fill(Number.NEGATIVE_INFINITY),
      highest: new Float64Array(this.bins).fill(Number.POSITIVE_INFINITY),
    };
  }

  /** The offsets at the bins with the trend, as points of a clock. */
  pointsOf(offsetsUs: readonly number[]): [number, number][] {
    return offsetsUs.map((offsetUs, bin) => {
      const atUs = bin * this.binUs;
      return [this.fromUs + atUs, offsetUs + Math.round(this.trend * atUs)];
    });
  }

  binOf(us: number): number {
    return Math.min(this.bins - 2, Math.max(0, Math.floor((us - this.fromUs) / this.binUs)));
  }

  /** The trend until a moment. */
  driftUs(us: number): number {
    return this.trend * Math.min(us - this.fromUs, (this.bins - 1) * this.binUs);
  }

  #atLeast({ lowest }: Range, us: number, offsetUs: number): void {
    const bin = this.binOf(us);
    const limit = this.trend === 0 ? offsetUs : offsetUs - this.driftUs(us) + ROUNDING_US;
    if (limit > (lowest[bin] as number)) lowest[bin] = limit;
    if (limit > (lowest[bin + 1] as number)) lowest[bin + 1] = limit;
  }

  #atMost({ highest }: Range, us: number, offsetUs: number): void {
    const bin = this.binOf(us);
    const limit = this.trend === 0 ? offsetUs : offsetUs - this.driftUs(us) - ROUNDING_US;
    if (limit < (highest[bin] as number)) highest[bin] = limit;
    if (limit < (highest[bin + 1] as number)) highest[bin + 1] = limit;
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
