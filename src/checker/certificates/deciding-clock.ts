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
  const names = table.levels?.nodeNames ?? [];
  const steady = new Limits(table, readings, 0);
  const all = steady.nodes;
  if (all.length === 0) return { ofNode: new Map(), shared: RECORDER };
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
  readonly #lowest = new Map<string, Float64Array>();
  readonly #highest = new Map<string, Float64Array>();

  constructor(table: OperationTable, readings: readonly ClockReading[], trend: number) {
    const { levels, invokedUs } = table;
    this.#trend = trend;
    const { fromUs, untilUs } = spanOf(table, readings);
    this.#fromUs = Math.floor(fromUs);
    this.#binUs = Math.max(LEAST_BIN_US, Math.ceil((untilUs - fromUs) / MOST_BINS));
    this.#bins = Math.ceil((untilUs - fromUs) / this.#binUs) + 2;
    if (!Number.isFinite(fromUs)) return;
    for (let row = 0; row < (levels === undefined ? 0 : table.rows); row++) {
      const bucketUs = levels?.bucketUs(row) ?? Number.NaN;
      const endUs = table.lastUs(row);
      if (Number.isNaN(bucketUs) || !Number.isFinite(endUs)) continue;
      const node = levels?.nodeName(row) ?? '';
      const startUs = invokedUs[row] as number;
      this.#limit(node, startUs, { highest: bucketUs - Math.ceil(startUs) });
      this.#limit(node, endUs, { lowest: bucketUs - Math.floor(endUs) });
    }
    for (const { node, atUs, serverUs, errorUs } of readings) {
      const offsetUs = serverUs - atUs;
      this.#limit(node, atUs, {
        lowest: Math.ceil(offsetUs - errorUs),
        highest: Math.floor(offsetUs + errorUs),
      });
    }
  }

  get nodes(): string[] {
    return [...this.#lowest.keys()];
  }

  /** One clock for all these nodes; undefined if there is none. */
  join(nodes: readonly string[]): DecidingClock | undefined {
    const [lowest, highest] = this.#joined(nodes);
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

  #joined(nodes: readonly string[]): [Float64Array, Float64Array] {
    const lowest = new Float64Array(this.#bins).fill(Number.NEGATIVE_INFINITY);
    const highest = new Float64Array(this.#bins).fill(Number.POSITIVE_INFINITY);
    for (const node of nodes) {
      const [low, high] = [this.#lowest.get(node), this.#highest.get(node)];
      for (let bin = 0; bin < this.#bins; bin++) {
        lowest[bin] = Math.max(lowest[bin] as number, low?.[bin] ?? Number.NEGATIVE_INFINITY);
        highest[bin] = Math.min(highest[bin] as number, high?.[bin] ?? Number.POSITIVE_INFINITY);
      }
    }
    return [lowest, highest];
  }

  #limit(
    node: string,
    us: number,
    { lowest = Number.NEGATIVE_INFINITY, highest = Number.POSITIVE_INFINITY },
  ): void {
    const low = this.#lineOf(this.#lowest, node, Number.NEGATIVE_INFINITY);
    const high = this.#lineOf(this.#highest, node, Number.POSITIVE_INFINITY);
    const bin = Math.min(this.#bins - 2, Math.max(0, Math.floor((us - this.#fromUs) / this.#binUs)));
    const driftUs = this.#trend * Math.min(us - this.#fromUs, (this.#bins - 1) * this.#binUs);
    const rounding = this.#trend === 0 ? 0 : 2;
    const [floor, ceiling] = [lowest - driftUs + rounding, highest - driftUs - rounding];
    if (floor > (low[bin] as number)) low[bin] = floor;
    if (floor > (low[bin + 1] as number)) low[bin + 1] = floor;
    if (ceiling < (high[bin] as number)) high[bin] = ceiling;
    if (ceiling < (high[bin + 1] as number)) high[bin + 1] = ceiling;
  }

  #lineOf(lines: Map<string, Float64Array>, node: string, value: number): Float64Array {
    const line = lines.get(node) ?? new Float64Array(this.#bins).fill(value);
    lines.set(node, line);
    return line;
  }
}

/** From the first to the last moment of all invocations and readings; not finite without any. */
function spanOf({ rows, invokedUs }: OperationTable, readings: readonly ClockReading[]) {
  let [fromUs, untilUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < rows; row++) {
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
