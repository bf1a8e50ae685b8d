import type { SlotsView } from '../messages.ts';
import type { Peer } from './peer.ts';
import type { View } from './view.ts';

/** CLUSTER SLOTS, as one node sees them. Replicas that failed, or have no data yet as far as it knows, are left out. */
export function slotsView(view: View, ownOffset: number): SlotsView[] {
  const { peers, table, self } = view;
  const isListed = (peer: Peer) => !peer.isFailed && (peer === self ? ownOffset : peer.offset) > 0;
  return peers
    .filter((peer) => !peer.isReplica)
    .flatMap((primary) => {
      const replicas = view
        .replicasOf(primary)
        .filter(isListed)
        .map(({ name }) => name);
      const ranges = table.of(primary.name).ranges;
      return ranges.map((range) => ({ ...range, primary: primary.name, replicas }));
    })
    .sort((a, b) => a.from - b.from);
}
