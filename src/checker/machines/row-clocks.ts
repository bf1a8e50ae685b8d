import type { OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { HistoryParts } from '../../history/parts/parts.ts';
import { ShardNodes } from '../shards/shard-nodes.ts';
import type { MachineClocks } from './machine-clocks.ts';
import { type ClockOfRow, mapTimes } from './map-times.ts';
import { countUntil } from './offset-point.ts';
import type { ShownTime } from './stepping-clock.ts';

/** The machine of each origin of a table. */
function machinesOfOrigins(table: OperationTable, { files }: HistoryParts): (origin: number) => string {
  const ofFile = new Map(files.map(({ file, machine }) => [file, machine]));
  const known: string[] = [];
  return (origin) => (known[origin] ??= ofFile.get(table.fileOf(origin)) ?? '');
}

/** By machine, the first start and the last known end of its operations. */
export function spansOfMachines(
  table: OperationTable,
  parts: HistoryParts,
): Map<string, { firstUs: number; lastUs: number }> {
  const machineOf = machinesOfOrigins(table, parts);
  const spans = new Map<string, { firstUs: number; lastUs: number }>();
  for (let row = 0; row < table.rows; row++) {
    if (table.expiries.has(row)) continue;
    const machine = machineOf(table.origins[row] as number);
    const [firstUs, endUs] = [table.invokedUs[row] as number, table.lastUs(row)];
    const lastUs = endUs === Number.POSITIVE_INFINITY ? firstUs : endUs;
    const span = spans.get(machine);
    if (span === undefined) spans.set(machine, { firstUs, lastUs });
    else {
      if (firstUs < span.firstUs) span.firstUs = firstUs;
      if (lastUs > span.lastUs) span.lastUs = lastUs;
    }
  }
  return spans;
}

/** Every operation on the axis of the base. */
export function clocksOfBase(table: OperationTable, parts: HistoryParts, clocks: MachineClocks): ClockOfRow {
  const machineOf = machinesOfOrigins(table, parts);
  return (row) => clocks.machines.get(machineOf(table.origins[row] as number));
}

/** Whether every node that decided an operation was read, so that buckets can have its axis. */
export function areNodesRead(table: OperationTable, clocks: MachineClocks): boolean {
  const { levels } = table;
  if (levels === undefined) return false;
  const unread = new Set(
    levels.nodeNames.flatMap((name, at) => (at > 0 && !clocks.nodes.has(name) ? [at] : [])),
  );
  if (unread.size === 0) return levels.nodeNames.length > 1;
  for (let row = 0; row < table.rows; row++) if (unread.has(levels.node(row))) return false;
  return true;
}

/**
 * Every operation on the axis of the node that decided it. If the nodes of its bucket took over from each other, a bucket
 * keeps the time of the former one until the clock of the next has reached it: an operation then ends at the latest end on
 * any of their axes. An operation without a node is on the hull of their axes, and on that of the base without any.
 */
export function clocksOfNodes(
  { operations: table, events }: Pick<History, 'operations' | 'events'>,
  { parts, clocks }: { readonly parts: HistoryParts; readonly clocks: MachineClocks },
): ClockOfRow {
  const { levels, origins } = table;
  const starts = Float64Array.from(table.starts);
  const machineOf = machinesOfOrigins(table, parts);
  const names = levels?.nodeNames ?? [''];
  const nodesOf = shardNodes(table, { events, parts, clocks });
  const toNode = (machine: string, node: number): ShownTime | undefined => {
    const toBase = clocks.machines.get(machine);
    return toBase && clocks.nodes.get(names[node] ?? '')?.by(machine, toBase);
  };
  /** A clock is made once for a node of a shard and an origin: rows are many. */
  const made = new Map<readonly number[], Map<number, ShownTime | undefined>>();
  const clocksOf = (nodes: readonly number[]) => {
    const ofNodes = made.get(nodes) ?? new Map<number, ShownTime | undefined>();
    made.set(nodes, ofNodes);
    return ofNodes;
  };
  const makeClock = (nodes: readonly number[], node: number, machine: string): ShownTime | undefined => {
    const own = node === 0 ? undefined : toNode(machine, node);
    if (own !== undefined && nodes.length <= 1) return own;
    const all = nodes.flatMap((one) => toNode(machine, one) ?? []);
    return all.length === 0 ? clocks.machines.get(machine) : hullOf(own === undefined ? all : [own], all);
  };
  let [bucket, nodes, ofNodes] = [-1, [] as readonly number[], clocksOf([])];
  return (row) => {
    if (bucket < 0 || row < (starts[bucket] as number) || row >= (starts[bucket + 1] as number)) {
      bucket = countUntil(starts, row) - 1;
      nodes = nodesOf(bucket);
      ofNodes = clocksOf(nodes);
    }
    const [node, origin] = [levels?.node(row) ?? 0, origins[row] as number];
    const key = node * 65_536 + origin;
    if (!ofNodes.has(key)) ofNodes.set(key, makeClock(nodes, node, machineOf(origin)));
    return ofNodes.get(key);
  };
}

function hullOf(starts: readonly ShownTime[], ends: readonly ShownTime[]): ShownTime {
  return {
    least(us) {
      let least = Number.POSITIVE_INFINITY;
      for (const clock of starts) least = Math.min(least, clock.least(us));
      return least;
    },
    most(us) {
      let most = Number.NEGATIVE_INFINITY;
      for (const clock of ends) most = Math.max(most, clock.most(us));
      return most;
    },
  };
}

/** The numbers of the nodes of each bucket: those that decided it, and those that took over from them. */
function shardNodes(
  table: OperationTable,
  { events, parts, clocks }: Pick<History, 'events'> & { parts: HistoryParts; clocks: MachineClocks },
): (bucket: number) => readonly number[] {
  const { levels } = table;
  if (levels === undefined) return () => [];
  const shards = new ShardNodes(mapTimes(table, clocksOfBase(table, parts, clocks), clocks.rate), events);
  const known = new Map<string, readonly number[]>();
  return (bucket) => {
    const places = shards.ofBucket(bucket);
    const key = places.join(' ');
    const nodes =
      known.get(key) ?? places.flatMap((place) => shards.all[place] ?? []).filter((node) => node > 0);
    known.set(key, nodes);
    return nodes;
  };
}
