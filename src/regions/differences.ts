import { isDeepStrictEqual } from 'node:util';
import { replicasOption, type Topology } from '../topology/topology.ts';
import type { ProviderName } from './choose-provider.ts';
import { provisionOf } from './local/provider.ts';
import type { ClusterState } from './store/cluster-state.ts';

export interface WantedCluster {
  readonly topology: Topology;
  /** Absent if any seed is accepted. */
  readonly seed?: number;
  /** The server program; absent if any is accepted. */
  readonly server?: string;
  readonly provider: ProviderName;
}

/** The properties, like `roundTrip`, in which a running cluster differs; `roundTrip` only for the same regions. */
export function findDifferences(
  { topology, seed, server, provider }: WantedCluster,
  state: ClusterState,
): string[] {
  const found = state.topology;
  const sameRegions = isDeepStrictEqual(topology.regions, found.regions);
  const differs = {
    regions: !sameRegions,
    topology: topology.kind !== found.kind,
    replicas: replicasOption(topology) !== replicasOption(found),
    roundTrip: sameRegions && !isDeepStrictEqual(topology.roundTripMs, found.roundTripMs),
    jitter: topology.jitterMs !== found.jitterMs,
    persistence: topology.persistence !== found.persistence,
    nodeTimeout: topology.nodeTimeoutMs !== found.nodeTimeoutMs,
    minReplicasToWrite: topology.minReplicasToWrite !== found.minReplicasToWrite,
    minReplicasMaxLag: topology.minReplicasMaxLagMs !== found.minReplicasMaxLagMs,
    seed: seed !== undefined && seed !== (provisionOf(state).seed ?? seed),
    server: server !== undefined && server !== serverOf(state),
    provider: provider !== 'auto' && provider !== state.provider,
  };
  return Object.entries(differs).flatMap(([property, isDifferent]) => (isDifferent ? [property] : []));
}

/** Whether a running cluster matches in every property of `findDifferences` and in every node. */
export function isAsWanted(wanted: WantedCluster, state: ClusterState): boolean {
  return isDeepStrictEqual(wanted.topology, state.topology) && findDifferences(wanted, state).length === 0;
}

/** The server program of local nodes. */
function serverOf(state: ClusterState): string | undefined {
  return state.provider === 'local' ? provisionOf(state).binary.command : undefined;
}
