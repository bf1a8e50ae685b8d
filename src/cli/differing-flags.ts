import { isDeepStrictEqual } from 'node:util';
import type { ClusterState } from '../regions/cluster-state.ts';
import { provisionOf } from '../regions/local/provider.ts';
import type { Topology } from '../regions/topology.ts';
import type { ProviderName } from './choose-provider.ts';
import { serverCommand } from './cluster.ts';
import type { Environment } from './environment.ts';

export interface WantedCluster {
  readonly topology: Topology;
  readonly seed: number;
  /** As it was typed; absent where any will do. */
  readonly server?: string;
  readonly provider: ProviderName;
}

/** The flags by which a cluster that is up is not what is wanted. */
export function differingFlags(
  { topology, seed, server, provider }: WantedCluster,
  state: ClusterState,
  environment: Environment,
): string[] {
  const found = state.topology;
  const sameRegions = isDeepStrictEqual(topology.regions, found.regions);
  const differs = {
    '--regions': !sameRegions,
    '--replicas': replicasOf(topology) !== replicasOf(found),
    '--round-trip': sameRegions && !isDeepStrictEqual(topology.roundTripMs, found.roundTripMs),
    '--jitter': topology.jitterMs !== found.jitterMs,
    '--persistence': topology.persistence !== found.persistence,
    '--node-timeout': topology.nodeTimeoutMs !== found.nodeTimeoutMs,
    '--seed': seed !== (provisionOf(state).seed ?? seed),
    '--server': !runsServer(state, server, environment),
    '--provider': !isProvider(state, provider),
  };
  return Object.entries(differs).flatMap(([flag, isDifferent]) => (isDifferent ? [flag] : []));
}

/** Whether a cluster runs the server that was asked for, if one was. */
export function runsServer(
  state: ClusterState,
  server: string | undefined,
  environment: Environment,
): boolean {
  if (server === undefined) return true;
  if (state.provider !== 'local') return false;
  return provisionOf(state).binary.command === serverCommand(server, environment);
}

/** Whether a cluster is what was asked for, if it was said. */
export function isProvider({ provider }: ClusterState, wanted: ProviderName): boolean {
  return wanted === 'auto' || wanted === provider;
}

function replicasOf({ nodes, regions }: Topology): number {
  return nodes.length / regions.length - 1;
}
