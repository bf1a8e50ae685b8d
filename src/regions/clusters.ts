import { listContainers, removeOwned } from './docker/owned-containers.ts';
import { attachContainers, endDockerCluster } from './docker/provider.ts';
import { findOwned } from './local/owned-processes.ts';
import { attach, endLocalCluster } from './local/provider.ts';
import { sweepAbandoned } from './local/sweep.ts';
import type { Regions } from './provider.ts';
import type { ClusterState, ClusterStore } from './state.ts';

/** A cluster that runs, from its state file, whoever provided it. */
export function attachCluster(store: ClusterStore, state: ClusterState): Regions {
  return state.provider === 'docker' ? attachContainers(store, state) : attach(store, state);
}

/**
 * Ends everything of a cluster and forgets it. Without a state file that can be read, whatever has its mark is ended:
 * processes, and containers where there is a Docker to ask.
 */
export async function endCluster(store: ClusterStore, name: string): Promise<void> {
  const state = await store.read(name).catch(() => undefined);
  if (state?.provider === 'docker') return endDockerCluster(store, name);
  if (state === undefined) await removeOwned(store.folderOf(name)).catch(() => {});
  await endLocalCluster(store, name);
}

/** Ends what programs that were killed have left; gives its names. */
export async function sweepClusters(store: ClusterStore): Promise<string[]> {
  return sweepAbandoned(store, (name) => endCluster(store, name));
}

/** The roles of what runs of it: the names of nodes, and `toxiproxy` where every Toxiproxy runs. */
export async function findRoles(
  store: ClusterStore,
  { name, provider, topology }: ClusterState,
): Promise<readonly string[]> {
  const cluster = store.folderOf(name);
  if (provider !== 'docker') return findOwned(cluster).map(({ role }) => role);
  const running = (await listContainers(cluster)).filter(({ state }) =>
    ['running', 'paused'].includes(state),
  );
  const roles = running.map(({ role }) => role);
  const toxiproxies = roles.filter((role) => role === 'toxiproxy').length;
  return toxiproxies === topology.regions.length ? roles : roles.filter((role) => role !== 'toxiproxy');
}
