import type { ClusterState } from './cluster-state.ts';
import { listContainers, removeOwned } from './docker/owned-containers.ts';
import { attachContainers, endContainers } from './docker/provider.ts';
import * as local from './local/provider.ts';
import { type Sweep, sweepAbandoned } from './local/sweep.ts';
import { findOwned } from './processes/owned-processes.ts';
import type { Regions } from './provider.ts';
import type { ClusterStore } from './state.ts';

/** A cluster that runs, from its state file, whoever provided it. */
export function attachCluster(store: ClusterStore, state: ClusterState): Regions {
  return state.provider === 'docker' ? attachContainers(store, state) : local.attach(store, state);
}

/** Ends everything of one start of a cluster and forgets it; gives whether it was known until now. */
export async function endStart(store: ClusterStore, state: ClusterState): Promise<boolean> {
  return state.provider === 'docker' ? endContainers(store, state) : local.endStart(store, state);
}

/** Ends what has the mark of a cluster that no state file knows: containers, where there is a Docker to ask. */
export async function endUnknown(store: ClusterStore, name: string): Promise<void> {
  await removeOwned({ cluster: store.folderOf(name) }).catch(() => {});
  await store.clear(name, { keepLogs: false });
}

/** Ends what programs that were killed have left. Containers stay while their engine does not answer. */
export async function sweepClusters(store: ClusterStore): Promise<Sweep> {
  return sweepAbandoned(store, async (state) =>
    state.provider === 'docker' ? endStart(store, state).catch(() => false) : endStart(store, state),
  );
}

/** The roles of what runs of it: the names of nodes, and `toxiproxy` where every Toxiproxy runs. */
export async function findRoles(
  store: ClusterStore,
  { name, startId, provider, topology }: ClusterState,
): Promise<readonly string[]> {
  const cluster = store.folderOf(name);
  if (provider !== 'docker') return findOwned(cluster, startId).map(({ role }) => role);
  const containers = await listContainers({ cluster, startId });
  const roles = containers
    .filter(({ state }) => ['running', 'paused'].includes(state))
    .map(({ role }) => role);
  const toxiproxies = roles.filter((role) => role === 'toxiproxy').length;
  return toxiproxies === topology.regions.length ? roles : roles.filter((role) => role !== 'toxiproxy');
}
