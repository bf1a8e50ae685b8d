import { type RegionPair, regionPairs, type Topology } from './topology.ts';

/** How a link is cut: `blackhole` accepts connections and drops all data; `refuse` closes and refuses connections. */
export type CutMode = 'blackhole' | 'refuse';

/** Which regions a partition separates. */
export type PartitionShape =
  /** The listed regions from all others, both ways. */
  | { readonly isolate: readonly string[] }
  /** Each group from every other group; a region in no group keeps all its links. */
  | { readonly split: readonly (readonly string[])[] }
  /** One way only: data from the first regions to the second. */
  | { readonly from: readonly string[]; readonly to: readonly string[] }
  /** Two regions from each other; both still reach the rest. */
  | { readonly bridge: readonly [string, string] };

/** The groups of regions that a cut names. */
export function groupsOf(shape: PartitionShape): readonly (readonly string[])[] {
  if ('isolate' in shape) return [shape.isolate];
  if ('split' in shape) return shape.split;
  if ('bridge' in shape) return shape.bridge.map((region) => [region]);
  return [shape.from, shape.to];
}

/** Whether a partition cuts this pair. */
export function isCut(shape: PartitionShape, { from, to }: RegionPair): boolean {
  if ('from' in shape) return shape.from.includes(from) && shape.to.includes(to);
  const sides = groupsOf(shape);
  const [a, b] = [from, to].map((region) => sides.findIndex((side) => side.includes(region)));
  return a !== b && ('isolate' in shape || (a !== -1 && b !== -1));
}

/** The ordered pairs that a partition cuts. */
export function cutPairs(shape: PartitionShape, { regions }: Pick<Topology, 'regions'>): RegionPair[] {
  return regionPairs(regions).filter((pair) => isCut(shape, pair));
}
