import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { groupByNode } from '../clocks/bounds.ts';
import { type Clocks, DecidingClock } from './deciding-clock.ts';
import { OffsetLimits, spanOf } from './offset-limits.ts';
import { evenTimes } from './offset-times.ts';

/** The recorder's own clock. */
const RECORDER = DecidingClock.of([], [[0, 0]], false);

/**
 * One clock for all nodes if their readings and decisions agree on one, else a clock for each. A node whose readings no
 * clock with a slew of at most 1,000 ppm explains has none: it stepped. A node that was never read has one if a constant
 * offset explains its decisions: no reading shows how it drifts.
 */
export function findClocks(table: OperationTable, readings: readonly ClockReading[]): Clocks {
  const none = { ofNode: new Map(), shared: RECORDER };
  if (table.levels === undefined && readings.length === 0) return none;
  const names = table.levels?.nodeNames ?? [];
  const steady = limitsOf(table, readings, 0);
  const all = steady.nodes;
  if (all.length === 0) return none;
  const drifting = once(() => limitsOf(table, readings, trendOf(readings)));
  const read = new Set(readings.map(({ node }) => node));
  const joined = (nodes: readonly string[]) => {
    const isRead = nodes.some((node) => read.has(node));
    return join(steady, { nodes, isRead }) ?? (isRead ? join(drifting(), { nodes, isRead }) : undefined);
  };
  const shared = joined(all);
  const clocks = all.map((node) => [names.indexOf(node), shared ?? joined([node])] as const);
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

function limitsOf(table: OperationTable, readings: readonly ClockReading[], trend: number): OffsetLimits {
  const limits = new OffsetLimits(evenTimes(spanOf(table, readings)), trend);
  if (limits.times.count === 0) return limits;
  const { levels, invokedUs } = table;
  for (let row = 0; levels !== undefined && row < table.rows; row++) {
    const bucketUs = levels.bucketUs(row);
    const endUs = table.lastUs(row);
    if (Number.isNaN(bucketUs) || endUs === Number.POSITIVE_INFINITY) continue;
    const decided = { startUs: invokedUs[row] as number, endUs, bucketUs };
    limits.addDecision(limits.ofNode(levels.nodeName(row)), decided);
  }
  for (const reading of readings) limits.addReading(reading);
  return limits;
}

/** One clock for all these nodes; undefined if there is none. */
function join(
  limits: OffsetLimits,
  { nodes, isRead }: { readonly nodes: readonly string[]; readonly isRead: boolean },
): DecidingClock | undefined {
  const { lowest, highest } = limits.joined(nodes);
  const [floor, ceiling] = [most(lowest), least(highest)];
  if (!Number.isFinite(floor) || !Number.isFinite(ceiling)) return undefined;
  if (floor <= ceiling && limits.trend === 0)
    return DecidingClock.of(nodes, [[limits.times.at(0), Math.floor((floor + ceiling) / 2)]], isRead);
  const offsetsUs = isRead ? follow(lowest, highest, limits.stepUs(0)) : undefined;
  return offsetsUs && DecidingClock.of(nodes, limits.pointsOf(offsetsUs), isRead);
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
