import { affected, type OfStore } from '../../scenario/faults/of-store.ts';
import type { SlowStoreSpec } from '../../scenario/faults/slow-store.ts';
import type { StoreOutageSpec } from '../../scenario/faults/store-outage.ts';
import type { RegionPair, Topology } from '../../topology/topology.ts';
import { deadAmong, isCutOff } from './cut.ts';
import { slowerProbe } from './latency.ts';
import { type MakeProbe, neverSeen } from './probe.ts';
import { waysOf } from './reach.ts';

/** No PING from these regions has a reply, not even from a node of the own region. */
export const storeOutageProbe: MakeProbe<StoreOutageSpec> = async (spec, { regions }) => {
  const ways = await waysOf(regions, fromAll(spec, regions.topology));
  if ('saw' in ways) return neverSeen(ways);
  const before = await deadAmong(ways);
  return { looks: 'throughout', look: async () => before ?? isCutOff(ways) };
};

/** The fastest PING from each of these regions grew by at least half of what was added. */
export const slowStoreProbe: MakeProbe<SlowStoreSpec> = (spec, { regions }) =>
  slowerProbe(regions, {
    pairs: fromAll(spec, regions.topology),
    addMs: spec.latencyMs / 2,
    ...{ jitterMs: 0, rampMs: 0 },
  });

/** From each region of the fault to each region that has nodes, its own too. */
function fromAll(spec: OfStore, { regions, nodes }: Topology): RegionPair[] {
  const withNodes = regions.filter((region) => nodes.some((node) => node.region === region));
  return affected(spec, regions).flatMap((from) => withNodes.map((to) => ({ from, to })));
}
