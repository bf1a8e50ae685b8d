import type { FaultSpec } from '../scenario/faults/index.ts';
import type { Plan, PlannedFault } from '../scenario/plan.ts';
import { cutPairs } from '../topology/pairs.ts';
import { planTopology, type RegionPair, regionPairs } from '../topology/topology.ts';

/** The regions whose services cannot reach a majority of the primaries at some time, by the faults of the plan. */
export function cutOffRegions({ topology, faults }: Plan): ReadonlySet<string> {
  const { regions, nodes } = planTopology(topology);
  const primaries = nodes.filter(({ replicaOf }) => replicaOf === undefined);
  const cutOff = new Set<string>();
  for (const { atMs } of faults) {
    const inForce = faults.filter((each) => each.atMs <= atMs && atMs < each.atMs + each.forMs);
    const { without, down, cut } = lossesOf(inForce, regions);
    const alive = primaries.filter(({ name }) => !down.has(name));
    for (const region of regions) {
      const isReached = (to: string) =>
        to === region || !cut.some((pair) => isBetween(pair, { from: region, to }));
      const reached = alive.filter((node) => isReached(node.region));
      if (without.has(region) || 2 * reached.length <= primaries.length) cutOff.add(region);
    }
  }
  return cutOff;
}

/** A request and its reply need both ways. */
function isBetween(one: RegionPair, { from, to }: RegionPair): boolean {
  return (one.from === from && one.to === to) || (one.from === to && one.to === from);
}

/** What faults that are in force at one time take away. */
interface Losses {
  /** Regions without services, or without Redis. */
  readonly without: Set<string>;
  /** Nodes that do not answer. */
  readonly down: Set<string>;
  readonly cut: RegionPair[];
}

function lossesOf(faults: readonly PlannedFault[], regions: readonly string[]): Losses {
  const losses: Losses = { without: new Set(), down: new Set(), cut: [] };
  for (const fault of faults) addLoss(fault, regions, losses);
  return losses;
}

/** Added to each direction; a request then takes twice as long, and more than its timeout. */
const TOO_LATE_MS = 500;

function addLoss(fault: FaultSpec, regions: readonly string[], { without, down, cut }: Losses): void {
  if (fault.fault === 'partition' || fault.fault === 'flap') cut.push(...cutPairs(fault, { regions }));
  else if (fault.fault === 'drop-reply')
    cut.push(...regionPairs(regions).filter(({ from }) => fault.regions.includes(from)));
  else if (fault.fault === 'latency' && fault.addMs >= TOO_LATE_MS)
    cut.push({ from: fault.between[0], to: fault.between[1] });
  else if (
    fault.fault === 'store-outage' ||
    (fault.fault === 'slow-store' && fault.latencyMs >= 2 * TOO_LATE_MS)
  )
    for (const region of fault.regions ?? regions) without.add(region);
  else if (fault.fault === 'restart-service') without.add(fault.region);
  else if ('node' in fault && fault.fault !== 'failover' && fault.fault !== 'node-clock')
    down.add(fault.node);
}
