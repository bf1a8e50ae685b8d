import { affected } from '../scenario/faults/of-store.ts';
import type { SlowStoreSpec } from '../scenario/faults/slow-store.ts';
import { accessOf } from './support/access.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Delays what services send to Redis, and its replies, by half each. */
export const slowStore: Inject<SlowStoreSpec> = async (spec, { regions }) => {
  const access = accessOf(spec.fault, regions);
  const names = affected(spec, regions.topology.regions);
  return orUndo(
    () => access.slow(names, spec.latencyMs),
    () => access.slow(names, 0),
  );
};
