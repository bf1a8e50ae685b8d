import { groupBy } from '../../core/group-by.ts';
import type { History } from '../../history/history.ts';
import { allFiles, type HistoryParts } from '../../history/parts/parts.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import { type ClockContradiction, findDisagreements } from './contradictions.ts';
import { type MachineReadings, NodeClock } from './node-clock.ts';
import { type OffsetPoint, pointOf, ratioOf, spanOf } from './offset-point.ts';
import { type Contradiction, NO_OFFSET, type Offset, SteadyOffset } from './steady-offset.ts';
import type { ShownTime } from './stepping-clock.ts';

/** One machine whose monotonic clock some parts have, as a map of its times onto the axis of the base. */
export interface Machine extends ShownTime {
  readonly machine: string;
  /** The names of its parts. */
  readonly parts: readonly string[];
  /** Readings of the clock endpoint. */
  readonly pings: readonly ClockReading[];
  /** To the clock of the base, whose axis begins later. */
  readonly offset: Offset;
  /** Half of the largest distance between the bounds of the offset, in a span of its clock. */
  errorUs(fromUs: number, untilUs: number): number;
}

/** What the readings of a run in parts say of the clocks of its machines and Redis nodes. */
export interface MachineClocks {
  /** The machine whose clock is the axis. */
  readonly base: string;
  /** What this clock showed at 0 of the axis. */
  readonly originUs: number;
  /** The most by which two clocks drift apart: 1,000 ppm are 0.001. */
  readonly rate: number;
  /** Those that readings relate to the base, by name. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** Those that no reading relates to it. */
  readonly unrelated: readonly string[];
  readonly nodes: ReadonlyMap<string, NodeClock>;
  readonly contradictions: readonly ClockContradiction[];
}

/** `firstUs`: by machine, when its first operation was sent; the axis begins with the first of all. */
export function readMachineClocks(
  { clock, decisionClock }: Pick<History, 'clock' | 'decisionClock'>,
  {
    parts,
    driftPpm,
    firstUs,
  }: {
    readonly parts: HistoryParts;
    readonly driftPpm: number;
    readonly firstUs: ReadonlyMap<string, number>;
  },
): MachineClocks {
  const rate = ratioOf(driftPpm);
  const partsOf = groupBy(allFiles(parts), ({ machine }) => machine);
  const pings = clock.filter(({ source }) => source === 'machine');
  const base = chooseBase(pings, [...partsOf.keys()]);
  const pingsOf = groupBy(
    pings.filter(({ node }) => node === base),
    ({ machine = '' }) => machine,
  );
  const related = [...partsOf.keys()].filter((machine) => machine === base || pingsOf.has(machine));
  const offsets = new Map(
    related.map((machine) => {
      const ofMachine = pingsOf.get(machine) ?? [];
      return [machine, machine === base ? ownOffset(ofMachine, rate) : offsetOf(ofMachine, rate)];
    }),
  );
  const originUs = originOf(offsets, firstUs);
  const machines = new Map(
    [...offsets].map(([machine, { offset }]) => {
      const names = partsOf.get(machine)?.map(({ part }) => part) ?? [];
      const least = (us: number) => us + offset.lowest(us) - originUs;
      const most = (us: number) => us + offset.highest(us) - originUs;
      const errorUs = (fromUs: number, untilUs: number) => offset.widestUs(fromUs, untilUs) / 2;
      const ofMachine = pingsOf.get(machine) ?? [];
      return [machine, { machine, parts: names, pings: ofMachine, offset, errorUs, least, most }];
    }),
  );
  const readings = nodeReadings({ clock, decisionClock }, machines);
  return {
    ...{ base, originUs, rate, machines },
    unrelated: [...partsOf.keys()].filter((machine) => !machines.has(machine)),
    nodes: new Map([...readings].map(([node, ofNode]) => [node, new NodeClock(node, ofNode, rate)])),
    contradictions: [
      ...[...offsets].flatMap(([machine, { contradiction }]) =>
        contradiction === undefined ? [] : [{ type: 'base' as const, machine, ...contradiction }],
      ),
      ...[...readings].flatMap(([node, ofNode]) => findDisagreements(node, ofNode, rate)),
    ],
  };
}

/** The machine of the clock endpoint that most machines have read; without any, the machine of the first file. */
function chooseBase(pings: readonly ClockReading[], machines: readonly string[]): string {
  const readers = [...groupBy(pings, ({ node }) => node)].map(
    ([node, ofNode]) => [node, new Set(ofNode.map(({ machine }) => machine)).size] as const,
  );
  const [most] = readers.sort(([, a], [, b]) => b - a);
  return most?.[0] ?? machines[0] ?? '';
}

/** Whole microseconds cover the rounding of readings. */
const LEAST_CONTRADICTION_US = 1;

interface OffsetOfMachine {
  readonly offset: Offset;
  readonly contradiction: Contradiction | undefined;
}

function offsetOf(pings: readonly ClockReading[], rate: number): OffsetOfMachine {
  const offset = new SteadyOffset(
    pings.map((reading) => rawPoint(reading, rate)),
    rate,
  );
  const { contradiction } = offset;
  const isReal = contradiction !== undefined && contradiction.apartUs > LEAST_CONTRADICTION_US;
  return { offset, contradiction: isReal ? contradiction : undefined };
}

/** Of the machine of the clock endpoint: its pings must show its own clock. */
function ownOffset(pings: readonly ClockReading[], rate: number): OffsetOfMachine {
  const points = pings.map((reading) => rawPoint(reading, rate));
  const apartOf = ({ lowest, highest }: OffsetPoint) => Math.max(lowest, -highest);
  const [worst] = points.sort((a, b) => apartOf(b) - apartOf(a));
  if (worst === undefined || apartOf(worst) <= LEAST_CONTRADICTION_US)
    return { offset: NO_OFFSET, contradiction: undefined };
  const { reading } = worst;
  return { offset: NO_OFFSET, contradiction: { least: reading, most: reading, apartUs: apartOf(worst) } };
}

function rawPoint(reading: ClockReading, rate: number): OffsetPoint {
  return pointOf({ ...spanOf(reading), shownUs: reading.serverUs, reading }, rate);
}

function originOf(
  offsets: ReadonlyMap<string, OffsetOfMachine>,
  firstUs: ReadonlyMap<string, number>,
): number {
  const starts = [...offsets].flatMap(([machine, { offset }]) => {
    const us = firstUs.get(machine);
    return us === undefined ? [] : [Math.floor(us + offset.lowest(us))];
  });
  return starts.length === 0 ? 0 : starts.reduce((first, us) => Math.min(first, us));
}

/** The readings of each node, by machine; of no machine that is unrelated. */
function nodeReadings(
  { clock, decisionClock }: Pick<History, 'clock' | 'decisionClock'>,
  machines: ReadonlyMap<string, Machine>,
): Map<string, MachineReadings[]> {
  const times = groupBy(
    clock.filter(({ source }) => source === undefined),
    ({ node }) => node,
  );
  const decisions = groupBy(decisionClock, ({ node }) => node);
  const nodes = new Set([...times.keys(), ...decisions.keys()]);
  return new Map(
    [...nodes].flatMap((node) => {
      const timesOf = groupBy(times.get(node) ?? [], ({ machine = '' }) => machine);
      const decisionsOf = groupBy(decisions.get(node) ?? [], ({ machine = '' }) => machine);
      const ofNode = [...machines].map(([machine, toBase]) => ({
        ...{ machine, toBase },
        times: timesOf.get(machine) ?? [],
        decisions: decisionsOf.get(machine) ?? [],
      }));
      const read = ofNode.filter((one) => one.times.length + one.decisions.length > 0);
      return read.length === 0 ? [] : [[node, read] as const];
    }),
  );
}
