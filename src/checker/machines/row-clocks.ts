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
  const { levels } = table;
  const machineOf = machinesOfOrigins(table, parts);
  const names = levels?.nodeNames ?? [''];
  const nodesOf = shardNodes(table, { events, parts, clocks });
  const known = new Map<string, (ShownTime | undefined)[]>();
  const clockFor = (machine: string, node: number): ShownTime | undefined => {
    const ofMachine = known.get(machine) ?? [];
    known.set(machine, ofMachine);
    if (ofMachine[node] === undefined) {
      const toBase = clocks.machines.get(machine);
      ofMachine[node] = toBase && clocks.nodes.get(names[node] ?? '')?.by(machine, toBase);
    }
    return ofMachine[node];
  };
  let bucket = 0;
  let nodes = table.rows === 0 ? [] : nodesOf(0);
  return (row) => {
    if (row < (table.starts[bucket] as number) || row >= (table.starts[bucket + 1] as number)) {
      bucket = countUntil(table.starts, row) - 1;
      nodes = nodesOf(bucket);
    }
    const machine = machineOf(table.origins[row] as number);
    const node = levels?.node(row) ?? 0;
    const own = node === 0 ? undefined : clockFor(machine, node);
    if (own !== undefined && nodes.length <= 1) return own;
    const toBase = clocks.machines.get(machine);
    if (toBase === undefined || nodes.length === 0) return toBase;
    const all = nodes.flatMap((one) => clockFor(machine, one) ?? []);
    return hullOf(own === undefined ? all : [own], all);
  };
}

function hullOf(starts: readonly ShownTime[], ends: readonly ShownTime[]): ShownTime {
  return {
    least: (us) =>
      starts.reduce((least, clock) => Math.min(least, clock.least(us)), Number.POSITIVE_INFINITY),
    most: (us) => ends.reduce((most, clock) => Math.max(most, clock.most(us)), Number.NEGATIVE_INFINITY),
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
