import { between, isolating, oneWay, splitting } from '../regions/pairs.ts';
import type { RegionPair, Topology } from '../regions/topology.ts';
import type { PartitionShape, PartitionSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** Cuts regions off from each other, data and bus alike. */
export const partition: Inject<PartitionSpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = cutPairs(spec, topology);
  return orUndo(
    () => links.cut(pairs, spec.mode),
    () => links.restore(pairs),
  );
};

/** What a partition cuts. Throws INVALID_OPTION. */
export function cutPairs(shape: PartitionShape, topology: Topology): RegionPair[] {
  if ('isolate' in shape) return isolating(shape.isolate, topology);
  if ('split' in shape) return splitting(shape.split, topology);
  if ('bridge' in shape) return between(shape.bridge, topology);
  return oneWay(shape.from, shape.to, topology);
}
