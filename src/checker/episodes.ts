import type { Episodes, Takeover } from '../core/bound.ts';
import type { Event, FaultRecord } from '../history/operation.ts';
import type { OperationTable } from '../history/table.ts';
import { Chains } from './chains.ts';
import type { ClockBounds, ClockOffset } from './clock.ts';
import { fallbacksOf } from './fallbacks.ts';
import { sideBySideOf } from './side-by-side.ts';

/** What happened to each shard: the chain of nodes that held one range of slots. */
export interface Shards {
  readonly all: readonly Episodes[];
  /** The place in `all` of a bucket's shard. */
  of(bucket: number): number;
}

interface Happenings {
  readonly regions: readonly string[];
  readonly operations: OperationTable;
  readonly events: readonly Event[];
  readonly faults: readonly FaultRecord[];
}

/** What is known of the nodes' clocks. */
export interface KnownClocks extends Pick<ClockBounds, 'steps' | 'spreadUs' | 'epsilonUs'> {
  /** Of each node whose clock was read; asked for where a node took over from another. */
  readonly offsets: () => ReadonlyMap<string, ClockOffset>;
}

/** One node's time as primary, from a takeover to the next. Decisions as the recorder saw them. */
interface Tenure {
  readonly node: number;
  readonly atUs: number;
  firstUs: number;
  lastUs: number;
}

/**
 * Derives from a history what a strategy's bound depends on. A bucket belongs to the shard of the nodes that decided
 * it; a node that decides buckets of another took over from it, also where no role event tells. A takeover counts
 * from the new primary's first decision on: one that decided nothing admitted nothing.
 */
export function episodesOf(
  { regions, operations: table, events, faults }: Happenings,
  clock: KnownClocks,
): Shards {
  const spreadUs = serviceClockSpread(faults);
  const together = sideBySideOf({ regions, events }, clock);
  if (together !== undefined) {
    const fallbacks = fallbacksOf(table, () => 0).get(0);
    return {
      all: [{ ...together, serviceClockSpreadUs: spreadUs, ...(fallbacks && { fallbacks }) }],
      of: () => 0,
    };
  }
  const chains = new Chains(table, events);
  const fallbacks = fallbacksOf(table, (bucket) => chains.ofBucket(bucket));
  const all = chains.all.map((nodes, place): Episodes => {
    const ofShard = fallbacks.get(place);
    const tenures = tenuresOf(chains, nodes, events);
    if (tenures.length > 1)
      chains.eachDecision(nodes, (node, firstUs, lastUs) => note(tenures, { node, firstUs, lastUs }));
    const names = nodes.map((node) => chains.nameOf(node));
    return {
      shard: chains.nameOf(nodes[0]),
      failovers: takeoversOf(chains, tenures, clock),
      emptyRestarts: emptyRestartsOf(chains, nodes, events),
      clockStepsUs: clock.steps
        .filter(({ node, byUs }) => byUs > 0 && names.includes(node))
        .map(({ byUs }) => byUs),
      serviceClockSpreadUs: spreadUs,
      ...(ofShard && { fallbacks: ofShard }),
    };
  });
  return { all, of: (bucket) => chains.ofBucket(bucket) };
}

/**
 * From the first holder on; takeovers by role events, else by the first decision of a node. A node that was silent and
 * calls itself a primary as before, while its successor goes on deciding, has not taken over: what it still decides
 * is overlap.
 */
function tenuresOf(chains: Chains, nodes: readonly number[], events: readonly Event[]): Tenure[] {
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  const seen = events.flatMap(({ event, node, atUs, args }) => {
    const number = nodes.find((one) => chains.nameOf(one) === node);
    if (event !== 'role' || args?.to !== 'primary' || number === undefined) return [];
    return [{ node: number, atUs, wasReplica: args.from === 'replica' }];
  });
  const unseen = others
    .filter((node) => !seen.some((takeover) => takeover.node === node))
    .map((node) => ({ node, atUs: chains.firstUs(node), wasReplica: true }));
  const tenures: Tenure[] = [{ node: first, atUs: Number.NEGATIVE_INFINITY, ...NO_DECISION }];
  for (const { node, atUs, wasReplica } of [...seen, ...unseen].sort((a, b) => a.atUs - b.atUs)) {
    const holder = tenures.at(-1);
    const isStale =
      !wasReplica && tenures.some((one) => one.node === node) && holds(chains, events, holder, atUs);
    if (holder?.node !== node && !isStale) tenures.push({ node, atUs, ...NO_DECISION });
  }
  return tenures;
}

/** Whether its holder has given up the role by no event until then, and decides later. */
function holds(
  chains: Chains,
  events: readonly Event[],
  holder: Tenure | undefined,
  untilUs: number,
): boolean {
  if (holder === undefined || chains.lastUs(holder.node) <= untilUs) return false;
  return !events.some(
    ({ event, node, atUs, args }) =>
      event === 'role' &&
      node === chains.nameOf(holder.node) &&
      args?.to !== 'primary' &&
      atUs > holder.atUs &&
      atUs <= untilUs,
  );
}

const NO_DECISION = { firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY };

/**
 * A node that comes back has two tenures, and a role is seen some time after it changed. A decision in between
 * belongs to the later one if it came nearer to its start than to the end of the earlier.
 */
function note(
  tenures: readonly Tenure[],
  { node, firstUs, lastUs }: { node: number; firstUs: number; lastUs: number },
): void {
  let found: Tenure | undefined;
  for (const [at, tenure] of tenures.entries()) {
    if (tenure.node !== node) continue;
    const earlier = tenures.findLastIndex((one, before) => before < at && one.node === node);
    const endedUs = tenures[earlier + 1]?.atUs ?? Number.NEGATIVE_INFINITY;
    if (earlier < 0 || firstUs >= (endedUs + tenure.atUs) / 2) found = tenure;
  }
  if (found === undefined) return;
  found.firstUs = Math.min(found.firstUs, firstUs);
  found.lastUs = Math.max(found.lastUs, lastUs);
}

function takeoversOf(chains: Chains, tenures: readonly Tenure[], clock: KnownClocks): Takeover[] {
  const deciding = tenures.filter(({ firstUs }, at) => at === 0 || firstUs !== Number.POSITIVE_INFINITY);
  let lastUs = Number.NEGATIVE_INFINITY;
  return deciding.flatMap((tenure, at) => {
    const [beforeUs, before] = [lastUs, deciding[at - 1]];
    lastUs = Math.max(lastUs, tenure.lastUs);
    if (before === undefined) return [];
    const node = chains.nameOf(tenure.node);
    const overlapUs = Math.max(0, beforeUs - tenure.firstUs);
    const aheadUs = aheadOf(chains.nameOf(before.node), node, clock);
    return [{ atUs: tenure.atUs, node, overlapUs, ...(aheadUs > 0 && { clockAheadUs: aheadUs }) }];
  });
}

/** The check grants every clock `epsilonUs`, that between two nodes as well as that of one. */
function aheadOf(before: string, node: string, { offsets, epsilonUs }: KnownClocks): number {
  const known = offsets();
  const [old, next] = [known.get(before), known.get(node)];
  return old === undefined || next === undefined ? 0 : next.highestUs - old.lowestUs - epsilonUs;
}

/** A node that had decided came back with nothing, and the shard was asked again. */
function emptyRestartsOf(chains: Chains, nodes: readonly number[], events: readonly Event[]): number {
  const lastUs = nodes.reduce((last, node) => Math.max(last, chains.lastUs(node)), Number.NEGATIVE_INFINITY);
  const restarts = events.filter(({ event, node, atUs, args }) => {
    const number = nodes.find((one) => chains.nameOf(one) === node);
    const isOurs = number !== undefined && chains.firstUs(number) < atUs && atUs < lastUs;
    return event === 'restart' && args?.empty === true && isOurs;
  });
  return restarts.length;
}

/** Between the largest and the smallest offset of any service at any time; one that was never set is right. */
function serviceClockSpread(faults: readonly FaultRecord[]): number {
  const offsets = faults
    .filter(({ fault, phase }) => fault === 'gateway-clock' && phase === 'inject')
    .map(({ args }) => (typeof args?.offsetMs === 'number' ? args.offsetMs * 1_000 : 0));
  const most = offsets.reduce((sofar, offset) => Math.max(sofar, offset), 0);
  return most - offsets.reduce((sofar, offset) => Math.min(sofar, offset), 0);
}
