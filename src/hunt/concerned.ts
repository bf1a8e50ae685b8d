import type { PlannedFault } from '../scenario/plan.ts';
import { cutPairs } from '../topology/pairs.ts';
import { shardOf } from '../topology/planned-node.ts';
import type { Places } from './draw-fault.ts';

/**
 * The places that a fault concerns: the node that it names with the other nodes of its shard; or the regions that it
 * names, with the primaries there and their replicas. Two faults of one shard do what neither does alone.
 */
export function concernedBy(fault: PlannedFault, places: Places): Places {
  const primaries =
    'node' in fault ? shardsOf([fault.node], places) : primariesIn(regionsOf(fault, places), places);
  const nodes = places.nodes.filter((node) => primaries.has(shardOf(node)));
  return nodes.length === 0 ? places : { ...places, nodes };
}

function shardsOf(names: readonly string[], { nodes }: Places): ReadonlySet<string> {
  return new Set(nodes.filter(({ name }) => names.includes(name)).map(shardOf));
}

function primariesIn(regions: ReadonlySet<string>, { nodes }: Places): ReadonlySet<string> {
  return new Set(
    nodes
      .filter(({ replicaOf, region }) => replicaOf === undefined && regions.has(region))
      .map(({ name }) => name),
  );
}

function regionsOf(fault: PlannedFault, { regions }: Places): ReadonlySet<string> {
  if (fault.fault === 'partition' || fault.fault === 'flap')
    return new Set(cutPairs(fault, { regions }).flatMap(({ from, to }) => [from, to]));
  if ('between' in fault) return new Set(fault.between);
  if ('regions' in fault) return new Set(fault.regions ?? regions);
  if (fault.fault === 'move-slots') return new Set([fault.from, fault.to]);
  return new Set('region' in fault ? [fault.region] : regions);
}
