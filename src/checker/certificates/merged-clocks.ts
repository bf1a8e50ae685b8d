import type { Levels } from '../../history/columns/levels.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { type Clocks, DecidingClock } from './deciding-clock.ts';
import { type Ping, settleLimits } from './joint-limits.ts';
import type { Machines } from './machines.ts';
import { type DecidedSpan, OffsetLimits, type Range } from './offset-limits.ts';
import { type OffsetTimes, type ReadMoment, type Span, timesOfReadings } from './offset-times.ts';

/** What is known of the clocks of a run in parts. All times are of the machine that recorded them. */
interface Recorded {
  readonly table: OperationTable;
  readonly machines: Machines;
  /** Of nodes. */
  readonly readings: readonly ClockReading[];
  /** Of the base. */
  readonly pings: readonly ClockReading[];
  /** Of the points of each machine's offset. */
  readonly times: readonly OffsetTimes[];
}

/**
 * The clocks of a run in parts: for each machine one offset, so that all readings of the nodes and all pings agree, and as
 * many decisions as possible. One clock for all nodes if that can be, else one for each that was read. Without a reading
 * of a node it is the base.
 */
export function findMergedClocks(
  table: OperationTable,
  machines: Machines,
  clock: readonly ClockReading[],
): Clocks | undefined {
  const readings = clock.filter(({ source }) => source === undefined);
  const pings = clock.filter(({ source }) => source === 'machine');
  const recorded = { table, machines, readings, pings, times: timesOf(table, machines, clock) };
  const names = table.levels?.nodeNames ?? [];
  const read = new Set(readings.map(({ node }) => node));
  const nodes = read.size === 0 ? [] : [...new Set([...names.slice(1), ...read])];
  const shared = nodes.length === 0 ? undefined : clockOf(nodes, recorded);
  const own = (node: string) => (read.has(node) ? clockOf([node], recorded) : undefined);
  const ofNode = nodes.map((node) => [names.indexOf(node), shared ?? own(node)] as const);
  const base = shared ?? clockOf([], recorded);
  return (
    base && {
      ofNode: new Map(ofNode.flatMap(([number, clock]) => (clock === undefined ? [] : [[number, clock]]))),
      shared: base,
    }
  );
}

/** The clock of these nodes; undefined if no offsets explain the readings. */
function clockOf(nodes: readonly string[], recorded: Recorded): DecidingClock | undefined {
  const limits = trendsOf(nodes, recorded).map(
    (trend, machine) => new OffsetLimits(recorded.times[machine] as OffsetTimes, trend),
  );
  if (limits.some(({ times }) => times.count === 0)) return undefined;
  const all = recorded.pings.map((ping) => pingOf(ping, recorded.machines));
  const pings = all.filter(({ machine, other }) => machine !== other); // any offset agrees with its own clock
  for (const reading of recorded.readings) {
    const own = limits[recorded.machines.of(reading.machine)];
    if (nodes.includes(reading.node)) own?.addReading(reading);
  }
  const rangesOf = () => limits.map((one) => one.joined(nodes));
  const ranges = rangesOf();
  if (nodes.length === 0) fix(ranges[recorded.machines.of(recorded.machines.base)] as Range);
  const read = settleLimits(limits, ranges, pings);
  if (read === undefined) return undefined;
  const isDecided = nodes.length > 0 && addDecisions(nodes, { limits, recorded, read });
  const paths = (isDecided && settleLimits(limits, rangesOf(), pings)) || read;
  const points = limits.map((one, machine) => one.pointsOf(middleOf(paths[machine] as Range)));
  if (points.some((line) => line.some(([, us]) => !Number.isFinite(us)))) return undefined;
  return DecidingClock.ofMachines(nodes, new Map(points.map((line, at) => [nameOf(recorded, at), line])));
}

function nameOf({ machines }: Recorded, machine: number): string {
  return machines.names[machine] as string;
}

/** Adds the decisions of these nodes that agree with the readings; whether there are any. */
function addDecisions(
  nodes: readonly string[],
  {
    limits,
    recorded: { table, machines },
    read,
  }: {
    readonly limits: readonly OffsetLimits[];
    readonly recorded: Recorded;
    readonly read: readonly Range[];
  },
): boolean {
  const levels = table.levels as Levels;
  if (table.levels === undefined) return false;
  const isOwn = levels.nodeNames.map((node) => nodes.includes(node));
  let count = 0;
  for (let row = 0; row < table.rows; row++) {
    const bucketUs = levels.bucketUs(row);
    const endUs = table.lastUs(row);
    if (Number.isNaN(bucketUs) || endUs === Number.POSITIVE_INFINITY || !isOwn[levels.node(row)]) continue;
    const decided: DecidedSpan = { startUs: table.invokedUs[row] as number, endUs, bucketUs };
    const machine = machines.ofRow(row);
    const own = limits[machine] as OffsetLimits;
    if (!own.allows(read[machine] as Range, decided)) continue;
    own.addDecision(own.ofNode(levels.nodeName(row)), decided);
    count++;
  }
  return count > 0;
}

/** The drift of these nodes, or of the base, from each machine. Microseconds a microsecond. */
function trendsOf(nodes: readonly string[], { machines, readings, pings }: Recorded): number[] {
  const base = machines.of(machines.base);
  const ofMachine = (all: readonly ClockReading[], machine: number) =>
    all.filter((reading) => machines.of(reading.machine) === machine);
  const ofPings = machines.names.map((_, machine) =>
    machine === base ? 0 : slopeOf(ofMachine(pings, machine)),
  );
  const own = readings.filter(({ node }) => nodes.includes(node));
  const read = machines.names.map((_, machine) => ofMachine(own, machine));
  const first = read.findIndex(({ length }) => length > 0);
  if (first < 0) return ofPings;
  const ofBase = slopeOf(read[first] as ClockReading[]) - (ofPings[first] as number);
  return read.map((all, machine) => {
    if (all.length > 0) return slopeOf(all);
    return machine === base ? ofBase : ofBase + (ofPings[machine] as number);
  });
}

/**
 * The drift by the most exact reading of the first quarter and that of the last: of what their errors allow, the least. A
 * middle of theirs can be steeper than any clock.
 */
function slopeOf(readings: readonly ClockReading[]): number {
  const sorted = readings.toSorted((a, b) => a.atUs - b.atUs);
  const quarter = Math.ceil(sorted.length / 4);
  const [first, last] = [sorted.slice(0, quarter), sorted.slice(-quarter)].map(mostExact);
  if (first === undefined || last === undefined || last.atUs <= first.atUs) return 0;
  const gainedUs = last.serverUs - last.atUs - (first.serverUs - first.atUs);
  const sureUs = Math.max(0, Math.abs(gainedUs) - first.errorUs - last.errorUs);
  return (Math.sign(gainedUs) * sureUs) / (last.atUs - first.atUs);
}

function mostExact(readings: readonly ClockReading[]): ClockReading | undefined {
  return readings.reduce<ClockReading | undefined>(
    (best, next) => (best === undefined || next.errorUs < best.errorUs ? next : best),
    undefined,
  );
}

function pingOf({ machine, node, atUs, serverUs, errorUs }: ClockReading, machines: Machines): Ping {
  return { machine: machines.of(machine), other: machines.of(node), atUs, otherUs: serverUs, errorUs };
}

/** The points of the machines: where their clocks were read, by their own process or by that of another. */
function timesOf(table: OperationTable, machines: Machines, clock: readonly ClockReading[]): OffsetTimes[] {
  const all = machines.names.map(() => ({
    fromUs: Number.POSITIVE_INFINITY,
    untilUs: Number.NEGATIVE_INFINITY,
  }));
  const read = machines.names.map((): ReadMoment[] => []);
  const extend = (machine: number, us: number) => {
    const span = all[machine] as { -readonly [key in keyof Span]: number };
    span.fromUs = Math.min(span.fromUs, us);
    span.untilUs = Math.max(span.untilUs, us);
  };
  for (let row = 0; row < table.rows; row++) extend(machines.ofRow(row), table.invokedUs[row] as number);
  const add = (name: string | undefined, moment: ReadMoment) => {
    extend(machines.of(name), moment.atUs);
    read[machines.of(name)]?.push(moment);
  };
  for (const { machine, node, source, atUs, serverUs, errorUs } of clock) {
    add(machine, { atUs, errorUs });
    if (source === 'machine') add(node, { atUs: serverUs, errorUs });
  }
  return all.map((span, machine) => timesOfReadings(span, read[machine] as ReadMoment[]));
}

/** The reference is the base itself. */
function fix({ lowest, highest }: Range): void {
  lowest.fill(0);
  highest.fill(0);
}

/** Halfway between the bounds of each point: with both bounds, it keeps to what relates two points. */
function middleOf({ lowest, highest }: Range): number[] {
  return Array.from(lowest, (low, point) => Math.floor((low + (highest[point] as number)) / 2));
}
