import type { FaultyServices } from '../faults/fault.ts';
import type { RegionServices } from './region-services.ts';

/** What faults do to the services of a run. */
export function faultyServices(
  services: ReadonlyMap<string, RegionServices>,
  clockAheadMs: Map<string, number>,
): FaultyServices {
  const of = (region: string): RegionServices => {
    const found = services.get(region);
    if (found === undefined) throw new RangeError(`no region is called ${region}`);
    return found;
  };
  return {
    setClock: (region, aheadMs) => void clockAheadMs.set(region, aheadMs),
    clockAheadMs: (region) => clockAheadMs.get(region) ?? 0,
    kill: (region, instance) => of(region).kill(instance),
    start: (region, instance) => of(region).start(instance),
    idsOf: (region, instance) => of(region).idsOf(instance),
    failureOf: (region, instance) => of(region).failureOf(instance),
  };
}
