import type { PartitionSpec } from '../scenario/faults/partition.ts';
import { cutPairs } from '../topology/pairs.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Cuts the data and bus connections between regions. */
export const partition: Inject<PartitionSpec> = async (spec, { regions: { links, topology } }) => {
  const pairs = cutPairs(spec, topology);
  return orUndo(
    () => links.cut(pairs, spec.mode),
    () => links.restore(pairs),
  );
};
