import { affected } from '../scenario/faults/of-store.ts';
import type { StoreOutageSpec } from '../scenario/faults/store-outage.ts';
import { accessOf } from './support/access.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Cuts the services off from every node; the nodes keep their links to each other. */
export const storeOutage: Inject<StoreOutageSpec> = async (spec, { regions }) => {
  const access = accessOf(spec.fault, regions);
  const names = affected(spec, regions.topology.regions);
  return orUndo(
    () => access.cut(names, spec.mode),
    () => access.restore(names),
  );
};
