import { mayGiveBack } from '../../history/columns/reservation-rows.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { groupByNode } from '../clocks/bounds.ts';
import { MAX_SLEW_PPM } from '../clocks/grant.ts';

/**
 * A clock on which decisions were made: piecewise linear offsets from the recorder's clock. Between two points the offset
 * is linear, rounded down; before the first and after the last it is constant.
 */
export class DecidingClock {
  /** The nodes that decide on it; none for the recorder's own clock. */
  readonly nodes: readonly string[];
  readonly #atUs: Float64Array;
  readonly #offsetsUs: Float64Array;
  #last = 0;

  constructor(nodes: readonly string[], points: readonly (readonly [number, number])[]) {
    this.nodes = nodes;
    this.#atUs = Float64Array.from(points, ([atUs]) => atUs);
    this.#offsetsUs = Float64Array.from(points, ([, offsetUs]) => offsetUs);
  }

  /** Pairs of a moment of the recorder and the offset there. Microseconds. */
  get points(): [number, number][] {
    return [...this.#atUs].map((atUs, at) => [atUs, this.#offsetsUs[at] as number]);
  }

  /** What this clock shows at a moment of the recorder. */
  show(us: number): number {
    const atUs = this.#atUs;
    if (atUs.length <= 1 || !Number.isFinite(us)) return us + (this.#offsetsUs[0] ?? 0);
    let at = this.#last;
    while (at > 0 && us < (atUs[at] as number)) at--;
    while (at < atUs.length - 2 && us >= (atUs[at + 1] as number)) at++;
    this.#last = at;
    return us + this.#offsetBetween(at, us);
  }

  #offsetBetween(at: number, us: number): number {
    const [fromUs, untilUs] = [this.#atUs[at] as number, this.#atUs[at + 1] as number];
    const [first, second] = [this.#offsetsUs[at] as number, this.#offsetsUs[at + 1] as number];
    if (us <= fromUs) return first;
    if (us >= untilUs) return second;
    return first + Math.floor(((second - first) * (us - fromUs)) / (untilUs - fromUs));
  }
}

/** The recorder's own clock. */
const RECORDER = new DecidingClock([], [[0, 0]]);

/** The most points of one clock, and the least time between two. */
const MOST_BINS = 1_024;
const LEAST_BIN_US = 100_000;

/** The clocks on which the nodes of a history decided. */
export interface Clocks {
  /** By the number of the node in the table's levels. */
  readonly ofNode: ReadonlyMap<number, DecidingClock>;
  /** For decisions that report no moment: the clock of all nodes, or the recorder's if they have none in common. */
  readonly shared: DecidingClock;
}

/**
 * One clock for all nodes if their readings and decisions agree on one, else a clock for each. A node whose readings no
 * clock with a slew of at most 1,000 ppm explains has none: it stepped.
 */
export function findClocks(table: OperationTable, readings: readonly ClockReading[]): Clocks {
  const none = { ofNode: new Map(), shared: RECORDER };
  if (table.levels === undefined && readings.length === 0) return none;
  const names = table.levels?.nodeNames ?? [];
  const steady = new Limits(table, readings, 0);
  const all = steady.nodes;
  if (all.length === 0) return none;
  const drifting = once(() => new Limits(table, readings, trendOf(readings)));
  const join = (nodes: readonly string[]) => steady.join(nodes) ?? drifting().join(nodes);
  const shared = join(all);
  const clocks = all.map((node) => [names.indexOf(node), shared ?? join([node])] as const);
  return {
    ofNode: new Map(clocks.flatMap(([number, clock]) => (clock === undefined ? [] : [[number, clock]]))),
    shared: shared ?? RECORDER,
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The median drift of the nodes that were read, from the first to the last reading of each. Microseconds a microsecond. */
function trendOf(readings: readonly ClockReading[]): number {
  const drifts = [...groupByNode(readings).values()]
    .map((ofNode) => ofNode.toSorted((a, b) => a.atUs - b.atUs))
    .map(([first, ...rest]) => driftBetween(first as ClockReading, rest.at(-1)))
    .sort((a, b) => a - b);
  return drifts[drifts.length >> 1] ?? 0;
}

function driftBetween(first: ClockReading, last = first): number {
  const spanUs = last.atUs - first.atUs;
  return spanUs === 0 ? 0 : (last.serverUs - last.atUs - (first.serverUs - first.atUs)) / spanUs;
}

/** The lowest and the highest offset at both ends of every bin. Microseconds, without the trend. */
interface OffsetLimits {
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

/** The trend at a moment is rounded, and so is a point. */
const ROUNDING_US = 2;

/**
 * The offsets that readings and decisions allow each node, in bins of time: a reading of `serverUs` at `atUs` allows
 * `serverUs - atUs`, give or take its error; a decision at its own time within its interval allows what maps the interval
 * onto that time. A limit within a bin holds at both ends of the bin, and so on the line between them. Limits are kept
 * without the trend.
 */
class Limits {
  readonly #fromUs: number;
  readonly #binUs: number;
  readonly #bins: number;
  readonly #trend: number;
  readonly #byNode = new Map<string, OffsetLimits>();

  constructor(table: OperationTable, readings: readonly ClockReading[], trend: number) {
    this.#trend = trend;
    const { fromUs, untilUs } = spanOf(table, readings);
    this.#fromUs = Math.floor(fromUs);
    this.#binUs = Math.max(LEAST_BIN_US, Math.ceil((untilUs - fromUs) / MOST_BINS));
    this.#bins = Math.ceil((untilUs - fromUs) / this.#binUs) + 2;
    if (!Number.isFinite(fromUs)) return;
    this.#addDecisions(table);
    for (const { node, atUs, serverUs, errorUs } of readings) {
      const limits = this.#limitsOf(node);
      this.#atLeast(limits, atUs, Math.ceil(serverUs - atUs - errorUs));
      this.#atMost(limits, atUs, Math.floor(serverUs - atUs + errorUs));
    }
  }

  get nodes(): string[] {
    return [...this.#byNode.keys()];
  }

  /** One clock for all these nodes; undefined if there is none. */
  join(nodes: readonly string[]): DecidingClock | undefined {
    const { lowest, highest } = this.#joined(nodes);
    const [floor, ceiling] = [most(lowest), least(highest)];
    if (!Number.isFinite(floor) || !Number.isFinite(ceiling)) return undefined;
    if (floor <= ceiling && this.#trend === 0)
      return new DecidingClock(nodes, [[this.#fromUs, Math.floor((floor + ceiling) / 2)]]);
    const slew = MAX_SLEW_PPM / 1_000_000 - Math.abs(this.#trend);
    const offsetsUs = follow(lowest, highest, slew * this.#binUs - 2);
    return (
      offsetsUs &&
      new DecidingClock(
        nodes,
        offsetsUs.map((offsetUs, bin) => {
          const atUs = bin * this.#binUs;
          return [this.#fromUs + atUs, offsetUs + Math.round(this.#trend * atUs)];
        }),
      )
    );
  }

  #joined(nodes: readonly string[]): OffsetLimits {
    const { lowest, highest } = this.#unlimited();
    for (const node of nodes) {
      const one = this.#limitsOf(node);
      for (let bin = 0; bin < this.#bins; bin++) {
        lowest[bin] = Math.max(lowest[bin] as number, one.lowest[bin] as number);
        highest[bin] = Math.min(highest[bin] as number, one.highest[bin] as number);
      }
    }
    return { lowest, highest };
  }

  #addDecisions(table: OperationTable): void {
    const { levels, invokedUs } = table;
    if (levels === undefined) return;
    const byNumber: (OffsetLimits | undefined)[] = [];
    for (let row = 0; row < table.rows; row++) {
      const bucketUs = levels.bucketUs(row);
      const endUs = table.lastUs(row);
      if (Number.isNaN(bucketUs) || endUs === Number.POSITIVE_INFINITY) continue;
      const node = levels.node(row);
      byNumber[node] ??= this.#limitsOf(levels.nodeName(row));
      const limits = byNumber[node] as OffsetLimits;
      const startUs = invokedUs[row] as number;
      this.#atMost(limits, startUs, bucketUs - Math.ceil(startUs));
      this.#atLeast(limits, endUs, bucketUs - Math.floor(endUs));
    }
  }

  #atLeast({ lowest }: OffsetLimits, us: number, offsetUs: number): void {
    const bin = this.#binOf(us);
    const limit = this.#trend === 0 ? offsetUs : offsetUs - this.#driftUs(us) + ROUNDING_US;
    if (limit > (lowest[bin] as number)) lowest[bin] = limit;
    if (limit > (lowest[bin + 1] as number)) lowest[bin + 1] = limit;
  }

  #atMost({ highest }: OffsetLimits, us: number, offsetUs: number): void {
    const bin = this.#binOf(us);
    const limit = this.#trend === 0 ? offsetUs : offsetUs - this.#driftUs(us) - ROUNDING_US;
    if (limit < (highest[bin] as number)) highest[bin] = limit;
    if (limit < (highest[bin + 1] as number)) highest[bin + 1] = limit;
  }

  #binOf(us: number): number {
    return Math.min(this.#bins - 2, Math.max(0, Math.floor((us - this.#fromUs) / this.#binUs)));
  }

  #driftUs(us: number): number {
    return this.#trend * Math.min(us - this.#fromUs, (this.#bins - 1) * this.#binUs);
  }

  #limitsOf(node: string): OffsetLimits {
    const limits = this.#byNode.get(node) ?? this.#unlimited();
    this.#byNode.set(node, limits);
    return limits;
  }

  #unlimited(): OffsetLimits {
    return {
      lowest: new Float64Array(this.#bins).fill(Number.NEGATIVE_INFINITY),
      highest: new Float64Array(this.#bins).fill(Number.POSITIVE_INFINITY),
    };
  }
}

/** From the first to the last moment of all invocations and readings; not finite without any. */
function spanOf(table: OperationTable, readings: readonly ClockReading[]) {
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

/** A path between two lines that changes by at most `stepUs` from one point to the next; undefined if there is none. */
function follow(lowest: Float64Array, highest: Float64Array, stepUs: number): number[] | undefined {
  if (stepUs < 0) return undefined;
  const [low, high] = [Float64Array.from(lowest), Float64Array.from(highest)];
  for (let at = 0; at < low.length; at++) {
    low[at] = Math.max(low[at] as number, (low[at - 1] ?? Number.NEGATIVE_INFINITY) - stepUs);
    high[at] = Math.min(high[at] as number, (high[at - 1] ?? Number.POSITIVE_INFINITY) + stepUs);
    if ((low[at] as number) > (high[at] as number)) return undefined;
  }
  const path = new Array<number>(low.length);
  let next: number | undefined;
  for (let at = low.length - 1; at >= 0; at--) {
    const [l, h] = [low[at] as number, high[at] as number];
    const aim: number = Number.isFinite(l + h) ? (l + h) / 2 : (next ?? (Number.isFinite(l) ? l : h));
    const near = next === undefined ? aim : Math.min(Math.max(aim, next - stepUs), next + stepUs);
    next = Math.min(Math.max(near, l), h);
    path[at] = next;
  }
  return path.every((us) => Number.isFinite(us)) ? path.map((us) => Math.floor(us)) : undefined;
}

function most(values: Float64Array): number {
  return values.reduce((sofar, value) => Math.max(sofar, value), Number.NEGATIVE_INFINITY);
}

function least(values: Float64Array): number {
  return values.reduce((sofar, value) => Math.min(sofar, value), Number.POSITIVE_INFINITY);
}
