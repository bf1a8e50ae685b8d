import type { Admissions, Episodes, Takeover } from '../../core/bound.ts';
import { formatNamed } from '../../core/policies.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { Event, FaultRecord } from '../../history/records/operation.ts';
import type { ClockBounds, ClockOffset } from '../clocks/bounds.ts';
import { withStepsOfFaults } from '../clocks/fault-steps.ts';
import { findPromotions, roleEventsOf } from '../evidence/promotions.ts';
import { measureAdmissions } from './admissions.ts';
import { findFallbacks } from './fallbacks.ts';
import { withMovedShards } from './moved-shards.ts';
import { perRegionEpisodes } from './per-region-bucket.ts';
import { SEEN_LATE_US, ShardNodes } from './shard-nodes.ts';

/**
 * The events of each shard: of the nodes that held one range of slots, one after another. The buckets that moved between
 * shards are one of their own.
 */
export interface Shards {
  readonly all: readonly Omit<Episodes, 'fallbacks'>[];
  /** The index in `all` of a bucket's shard. */
  of(bucket: number): number;
  /** Those of a bucket's shard, with what failure policies admitted for buckets of its shard and policy. */
  episodesOf(bucket: number): Episodes | undefined;
  /** What Redis admitted of the buckets of its shard and policy. */
  admissionsOf(bucket: number): Admissions;
}

interface ShardEvents {
  readonly regions: readonly string[];
  readonly operations: OperationTable;
  readonly events: readonly Event[];
  readonly faults: readonly FaultRecord[];
}

/** What is known of the nodes' clocks. */
export interface KnownClocks extends Pick<ClockBounds, 'steps' | 'spreadUs' | 'epsilonUs'> {
  /** The offset of each node whose clock was read; computed when a node took over from another. */
  readonly offsets: () => ReadonlyMap<string, ClockOffset>;
  /** How far the clocks of two nodes may part, beyond steps; absent if `epsilonUs` has it. */
  readonly movedUs?: number | undefined;
}

/** The time of one node as primary, from one takeover to the next. Decisions as the recorder saw them. */
interface Tenure {
  readonly node: number;
  readonly atUs: number;
  /** An earlier decision of the node belongs to an earlier tenure of it, if there is one. */
  readonly fromUs: number;
  /** A decision of the node that ended before is none of it, if it had an earlier tenure. */
  readonly earliestUs: number;
  firstUs: number;
  lastUs: number;
  /** Whether a decision that was noted for an earlier tenure may be of this one. */
  mayDecide: boolean;
}

/**
 * Derives from a history the facts on which a strategy's bound depends. A bucket belongs to the shard of the nodes that
 * decided it; a node that decides buckets of another node took over from it, even without a role event, unless an event says
 * that the bucket or its slots moved. A takeover counts from the new primary's first decision: without a decision it
 * admitted nothing.
 */
export function findEpisodes(
  { regions, operations: table, events, faults }: ShardEvents,
  known: KnownClocks,
): Shards {
  const clock = { ...known, steps: withStepsOfFaults(known.steps, faults) };
  const spreadUs = serviceClockSpread(faults);
  const together = perRegionEpisodes({ regions, events }, clock);
  if (together !== undefined) {
    return withFallbacks([{ ...together, serviceClockSpreadUs: spreadUs }], () => 0, {
      operations: table,
      faults,
    });
  }
  const chains = new ShardNodes(table, events);
  const ofGroups = chains.all.map((nodes) => {
    const tenures = findTenures(chains, nodes, events);
    if (tenures.length > 1)
      chains.eachDecision(nodes, (node, firstUs, lastUs) => note(tenures, { node, firstUs, lastUs }));
    const names = nodes.map((node) => chains.nameOf(node));
    return {
      shard: chains.nameOf(nodes[0]),
      failovers: findTakeovers(chains, tenures, clock),
      emptyRestarts: countEmptyRestarts(chains, { nodes, tenures, events }),
      clockStepsUs: clock.steps
        .filter(({ node, byUs }) => byUs > 0 && names.includes(node))
        .map(({ byUs }) => byUs),
      serviceClockSpreadUs: spreadUs,
    };
  });
  const aheadUs = (from: string, to: string) => aheadOf(from, to, clock);
  const gainUs = clock.movedUs ?? clock.epsilonUs;
  const { all, of } = withMovedShards(chains, ofGroups, { aheadOf: aheadUs, gainUs });
  return withFallbacks(all, of, { operations: table, faults });
}

function withFallbacks(
  all: Shards['all'],
  of: Shards['of'],
  { operations, faults }: Pick<ShardEvents, 'operations' | 'faults'>,
): Shards {
  const keyOf = (bucket: number) => {
    const named = { name: operations.policyNameOf(bucket), policy: operations.policyOf(bucket) };
    return `${of(bucket)} ${formatNamed(named)}`;
  };
  const fallbacksOf = findFallbacks(operations, keyOf, faults);
  return {
    all,
    of,
    admissionsOf: measureAdmissions(operations, keyOf),
    episodesOf(bucket) {
      const [ofShard, fallbacks] = [all[of(bucket)], fallbacksOf(bucket)];
      return ofShard && { ...ofShard, ...(fallbacks && { fallbacks }) };
    },
  };
}

/**
 * The tenures from the first holder on. A takeover is a role event, or else a node's first decision. A node that was
 * silent and still reports itself as primary, while its successor decides, has not taken over: its decisions are overlap.
 * A primary that was a replica meanwhile has taken over, also from one that decided nothing: it copied that one's data.
 */
function findTenures(chains: ShardNodes, nodes: readonly number[], events: readonly Event[]): Tenure[] {
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  const seen = nodes.flatMap((node) =>
    findPromotions(roleEventsOf(chains.nameOf(node), events)).map((found) => ({ ...found, node })),
  );
  const unseen = others
    .filter((node) => !seen.some((takeover) => takeover.node === node))
    .map((node) => ({ node, atUs: chains.firstUs(node), ...UNSEEN }));
  const always = Number.NEGATIVE_INFINITY;
  const tenures: Tenure[] = [
    { node: first, atUs: always, fromUs: always, earliestUs: always, ...NO_DECISION },
  ];
  for (const { node, atUs, wasReplica, isReturn, leftUs } of [...seen, ...unseen].sort(
    (a, b) => a.atUs - b.atUs,
  )) {
    const holder = tenures.at(-1);
    const isStale =
      !wasReplica && tenures.some((one) => one.node === node) && holds(chains, events, holder, atUs);
    if ((holder?.node === node && !isReturn) || isStale) continue;
    const earlier = tenures.findLastIndex((one) => one.node === node);
    const endedUs = leftUs ?? tenures[earlier + 1]?.atUs ?? always;
    const fromUs = earlier < 0 ? always : (endedUs + atUs) / 2;
    tenures.push({ node, atUs, fromUs, earliestUs: endedUs, ...NO_DECISION });
  }
  return tenures;
}

/** Whether no event until then took the role from its holder, and the holder decides later. */
function holds(
  chains: ShardNodes,
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

const UNSEEN = { wasReplica: true, isReturn: false, leftUs: undefined };

const NO_DECISION = {
  firstUs: Number.POSITIVE_INFINITY,
  lastUs: Number.NEGATIVE_INFINITY,
  mayDecide: false,
};

/**
 * Adds a decision to the tenure of its node. A node that comes back has two, and its role is seen some time after the
 * change: a decision in between belongs to the later tenure if it is nearer to that start than to the time at which the
 * node was no primary any more. A former primary decides until then, side by side with its successor.
 */
function note(
  tenures: readonly Tenure[],
  { node, firstUs, lastUs }: { node: number; firstUs: number; lastUs: number },
): void {
  const at = tenures.findLastIndex((tenure) => tenure.node === node && firstUs >= tenure.fromUs);
  const found = tenures[at];
  if (found === undefined) return;
  found.firstUs = Math.min(found.firstUs, firstUs);
  found.lastUs = Math.max(found.lastUs, lastUs);
  for (let later = at + 1; later < tenures.length; later++) {
    const tenure = tenures[later] as Tenure;
    if (tenure.node === node && lastUs >= tenure.earliestUs) tenure.mayDecide = true;
  }
}

/** The lead of a clock is that on the clock of the last node before it whose clock was read. */
function findTakeovers(chains: ShardNodes, tenures: readonly Tenure[], clock: KnownClocks): Takeover[] {
  const deciding = tenures.filter(
    ({ firstUs, mayDecide }, at) => at === 0 || firstUs !== NO_DECISION.firstUs || mayDecide,
  );
  let lastUs = Number.NEGATIVE_INFINITY;
  return deciding.flatMap((tenure, at) => {
    const [beforeUs, before] = [lastUs, deciding[at - 1]];
    lastUs = Math.max(lastUs, tenure.lastUs);
    if (before === undefined || (before.node === tenure.node && beforeUs === NO_DECISION.lastUs)) return [];
    const node = chains.nameOf(tenure.node);
    const overlapUs = Math.max(0, beforeUs - tenure.firstUs);
    const known = clock.offsets();
    const read = deciding.slice(0, at).findLast((one) => known.has(chains.nameOf(one.node))) ?? before;
    const aheadUs = read.node === tenure.node ? 0 : aheadOf(chains.nameOf(read.node), node, clock);
    return [{ atUs: tenure.atUs, node, overlapUs, ...(aheadUs > 0 && { clockAheadUs: aheadUs }) }];
  });
}

/**
 * How far the clock of `node` was ahead when it took over. A clock that had stepped back made its buckets wait, and the next
 * clock gives them that time at once. `epsilonUs` is already granted to every clock, also between two nodes.
 */
function aheadOf(before: string, node: string, { offsets, epsilonUs, steps }: KnownClocks): number {
  const known = offsets();
  const [old, next] = [known.get(before), known.get(node)];
  if (old === undefined || next === undefined) return 0;
  const back = steps.filter((step) => step.node === before && step.byUs < 0);
  return next.highestUs - old.lowestUs - epsilonUs - back.reduce((sum, { byUs }) => sum + byUs, 0);
}

interface OfShard {
  readonly nodes: readonly number[];
  readonly tenures: readonly Tenure[];
  readonly events: readonly Event[];
}

/** Restarts that lost all data, of nodes that mattered for the shard, if the shard had decided and may have decided later. */
function countEmptyRestarts(chains: ShardNodes, ofShard: OfShard): number {
  const { nodes, events } = ofShard;
  const firstUs = nodes.reduce((first, node) => Math.min(first, chains.firstUs(node)), NO_DECISION.firstUs);
  const lastUs = nodes.reduce((last, node) => Math.max(last, chains.lastUs(node)), NO_DECISION.lastUs);
  const restarts = events.filter(({ event, node, atUs, latestUs = atUs, args }) => {
    if (event !== 'restart' || args?.empty !== true) return false;
    if (latestUs <= firstUs || atUs >= lastUs + SEEN_LATE_US) return false;
    const number = nodes.find((one) => chains.nameOf(one) === node);
    return number !== undefined && matters(chains, { node: number, atUs }, ofShard);
  });
  return restarts.length;
}

/**
 * Whether an empty restart can cost tokens. If another node has taken over, it can as long as the node is a primary again:
 * clients with a stale address are decided by it, and a replica that copies it may be the next to take over. One that was
 * seen soon after the takeover may have been copied before it.
 */
function matters(
  chains: ShardNodes,
  { node, atUs }: { readonly node: number; readonly atUs: number },
  { tenures, events }: OfShard,
): boolean {
  const own = tenures.findLastIndex((tenure) => tenure.node === node && tenure.atUs <= atUs);
  const successor = tenures[own + 1];
  if (successor === undefined || successor.atUs > atUs - SEEN_LATE_US) return true;
  const demoted = roleEventsOf(chains.nameOf(node), events).find(
    (role) => role.to === 'replica' && role.atUs > atUs,
  );
  const later = tenures.filter((tenure) => tenure.atUs > atUs);
  if (later.some((tenure) => tenure.atUs < (demoted?.atUs ?? Number.POSITIVE_INFINITY))) return true;
  const untilUs = later.find((tenure) => tenure.node === node)?.fromUs ?? Number.POSITIVE_INFINITY;
  let decides = false;
  chains.eachDecision([node], (_, firstUs, lastUs) => {
    decides ||= lastUs > successor.atUs && firstUs < untilUs; // also before `atUs`: a restart is seen late
  });
  return decides;
}

/** The largest minus the smallest offset of any service at any time; a clock that was never set has offset 0. */
function serviceClockSpread(faults: readonly FaultRecord[]): number {
  const offsets = faults
    .filter(({ fault, phase }) => fault === 'gateway-clock' && phase === 'inject')
    .map(({ args }) => (typeof args?.offsetMs === 'number' ? args.offsetMs * 1_000 : 0));
  const most = offsets.reduce((sofar, offset) => Math.max(sofar, offset), 0);
  return most - offsets.reduce((sofar, offset) => Math.min(sofar, offset), 0);
}
