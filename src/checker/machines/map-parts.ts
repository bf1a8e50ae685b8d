import { traitsOf } from '../../core/strategies.ts';
import type { History } from '../../history/history.ts';
import type { HistoryParts } from '../../history/parts/parts.ts';
import {
  type ClockReading,
  type Event,
  type FaultRecord,
  RESET_EVENT,
} from '../../history/records/operation.ts';
import type { CheckOptions } from '../check-options.ts';
import type { ClockBounds, ClockOffset } from '../clocks/bounds.ts';
import type { ClockGrant } from '../clocks/grant.ts';
import { MAX_SLEW_PPM } from '../clocks/grant.ts';
import { endOf } from '../moves/bucket-moves.ts';
import { type MachineClocks, readMachineClocks } from './machine-clocks.ts';
import { mapTimes } from './map-times.ts';
import { spanOf } from './offset-point.ts';
import { otherServers } from './other-servers.ts';
import { areNodesRead, clocksOfBase, clocksOfNodes, spansOfMachines } from './row-clocks.ts';
import type { ShownTime } from './stepping-clock.ts';

/** A run in parts, on one axis. */
export interface MappedParts {
  readonly history: History;
  readonly clocks: MachineClocks;
  /** Nodes that are several servers, as sentences. */
  readonly otherServers: readonly string[];
  /** By machine, its first and last operation, by its clock. */
  readonly spans: ReadonlyMap<string, { readonly firstUs: number; readonly lastUs: number }>;
  /** If each bucket is on the axis of the node that refills it: what its clock may still gain or lose on it. */
  readonly ofNodes?: NodeAxes;
}

export interface NodeAxes {
  /** The mapped intervals have all that the clock may gain; a bucket may still wait for a clock that went back. */
  boundsWith(grant: ClockGrant): ClockBounds;
  /** How far two axes may part: a bucket that moved is refilled by one, then by the other. Its denials have the time away. */
  readonly movedUs: number;
  /** How far each node's clock is ahead of its axis, without its steps. */
  offsets(): ReadonlyMap<string, ClockOffset>;
}

/** Whether parts of the run contradict each other, so that nothing can be judged. */
export function isContradicted({ clocks, otherServers }: MappedParts): boolean {
  return clocks.contradictions.length + otherServers.length > 0;
}

/** Maps the times of all machines to one axis. */
export function mapParts(
  history: History,
  parts: HistoryParts,
  { promise, clockDriftPpm = MAX_SLEW_PPM }: Pick<CheckOptions, 'promise' | 'clockDriftPpm'>,
): MappedParts {
  const table = history.operations;
  const spans = spansOfMachines(table, parts);
  const firstUs = new Map([...spans].map(([machine, span]) => [machine, span.firstUs]));
  const clocks = readMachineClocks(history, { parts, driftPpm: clockDriftPpm, firstUs });
  const isBucket = promise === undefined || promise.type === 'token-bucket';
  const byNodes =
    isBucket && traitsOf(history.header.strategy).nodeClock === true && areNodesRead(table, clocks);
  const events = mapEvents(history.events, clocks, byNodes);
  const clockOf = byNodes
    ? clocksOfNodes({ operations: table, events }, { parts, clocks })
    : clocksOfBase(table, parts, clocks);
  const servers = otherServers(history.events);
  const isTimeless = clocks.contradictions.length + servers.length > 0;
  const readNodes = new Set(
    history.clock.filter(({ source }) => source === undefined).map(({ node }) => node),
  );
  const mapped: History = {
    ...history,
    operations: mapTimes(table, isTimeless ? () => undefined : clockOf, clocks.rate),
    clock: mapReadings(history.clock, clocks),
    decisionClock: mapReadings(
      history.decisionClock.filter(({ node }) => !readNodes.has(node)),
      clocks,
    ),
    events,
    faults: mapFaults(history.faults, clocks),
    parts: {
      ...parts,
      isWhole: parts.isWhole && clocks.unrelated.length === 0,
      ...(clocks.unrelated.length > 0 && { unrelated: clocks.unrelated }),
    },
  };
  return {
    history: mapped,
    clocks,
    otherServers: servers,
    spans,
    ...(byNodes && { ofNodes: nodeAxes(clocks) }),
  };
}

function nodeAxes({ nodes }: MachineClocks): NodeAxes {
  const steps = [...nodes.values()].flatMap(({ node, steps }) => steps.map((step) => ({ node, ...step })));
  return {
    boundsWith: ({ slackUs }) => ({
      epsilonUs: slackUs,
      rhoPpm: 0,
      slowPpm: 0,
      backwardUs: steps.reduce((sum, { byUs }) => sum + Math.max(0, -byUs), 0),
      spreadUs: spreadOf([...nodes.values()]),
      steps,
    }),
    movedUs: Math.ceil(2 * [...nodes.values()].reduce((most, node) => Math.max(most, node.wanderUs()), 0)),
    offsets: () =>
      new Map(
        [...nodes].map(([node, { constantUs }]) => [node, { lowestUs: constantUs, highestUs: constantUs }]),
      ),
  };
}

/** How far the clocks of different nodes are apart, on their axes. */
function spreadOf(
  nodes: readonly { readonly constantUs: number; readonly steps: readonly { byUs: number }[] }[],
) {
  if (nodes.length < 2) return 0;
  const offsets = nodes.flatMap(({ constantUs, steps }) => {
    let offsetUs = constantUs;
    return [constantUs, ...steps.map(({ byUs }) => (offsetUs += byUs))];
  });
  const most = offsets.reduce((sofar, us) => Math.max(sofar, us), Number.NEGATIVE_INFINITY);
  return most - offsets.reduce((sofar, us) => Math.min(sofar, us), Number.POSITIVE_INFINITY);
}

/** Readings of Redis nodes and of dates, by the time of the base. */
function mapReadings(readings: readonly ClockReading[], { machines }: MachineClocks): ClockReading[] {
  return readings.flatMap(({ machine = '', ...reading }) => {
    const toBase = machines.get(machine);
    if (toBase === undefined || reading.source === 'machine') return [];
    const { fromUs, untilUs } = spanOf(reading);
    const [startUs, endUs] = [toBase.least(fromUs), toBase.most(untilUs)];
    return [{ ...reading, atUs: (startUs + endUs) / 2, errorUs: (endUs - startUs) / 2 }];
  });
}

/** Before every operation, for events of a machine whose clock is unknown. */
const LONG_AGO_US = -(2 ** 50);

/**
 * Events by the time of the base: starts rounded down, ends up. A reset acts, and a bucket moves, within its times, also on
 * the axes of the nodes; what happens to one node counts on its own axis.
 */
function mapEvents(events: readonly Event[], { machines, nodes }: MachineClocks, byNodes: boolean): Event[] {
  const all = [...nodes.values()];
  return events.flatMap(({ machine = '', part: _, ...event }): Event[] => {
    const toBase = machines.get(machine);
    const isReset = event.event === RESET_EVENT;
    if (toBase === undefined) return isReset ? [withoutEnd({ ...event, atUs: LONG_AGO_US })] : [];
    const untilUs = endOf(event.args);
    const hasEnd = untilUs < Number.POSITIVE_INFINITY;
    const own = isReset || hasEnd ? undefined : nodes.get(event.node ?? '');
    const axes = !byNodes ? [] : own === undefined ? all : [own];
    const [atUs, latestUs] = [floorOf(toBase, axes, event.atUs), ceilingOf(toBase, axes, event.atUs)];
    if (!hasEnd) return [{ ...event, atUs, latestUs }];
    return [{ ...event, atUs, args: { ...event.args, untilUs: ceilingOf(toBase, axes, untilUs) } }];
  });
}

/** Of a machine whose clock is unknown, a time is no end. */
function withoutEnd({ args: { untilUs: _, ...args } = {}, ...event }: Event): Event {
  return { ...event, args };
}

/** The earliest time on any of the axes that a machine's time can have, and the latest. */
function floorOf(toBase: ShownTime, axes: readonly ShownTime[], us: number): number {
  const baseUs = toBase.least(us);
  return Math.floor(axes.reduce((first, axis) => Math.min(first, axis.least(baseUs)), baseUs));
}

function ceilingOf(toBase: ShownTime, axes: readonly ShownTime[], us: number): number {
  const baseUs = toBase.most(us);
  return Math.ceil(axes.reduce((last, axis) => Math.max(last, axis.most(baseUs)), baseUs));
}

function mapFaults(faults: readonly FaultRecord[], { machines }: MachineClocks): FaultRecord[] {
  return faults.flatMap(({ machine = '', ...fault }) => {
    const toBase = machines.get(machine);
    return toBase === undefined ? [] : [{ ...fault, atUs: Math.floor(toBase.least(fault.atUs)) }];
  });
}
