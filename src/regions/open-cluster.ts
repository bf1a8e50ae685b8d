import { environmentFailed } from '../core/errors.ts';
import { attachCluster, findRoles } from './clusters.ts';
import { explainElsewhere } from './elsewhere.ts';
import type { Regions } from './provider.ts';
import type { ClusterState } from './store/cluster-state.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** A running cluster and its state. */
export interface OpenCluster {
  readonly regions: Regions;
  readonly state: ClusterState;
}

/** Opens a running cluster. Throws ENVIRONMENT_FAILED if none of that name is up. */
export async function openCluster(store: ClusterStore, name: string): Promise<OpenCluster> {
  const state = await store.read(name);
  const up = `openclaw-rl up --name ${name}`;
  if (state?.phase !== 'up')
    throw environmentFailed(`no cluster called ${name} is up`, `start it with: ${up}`);
  const regions = await attachRunning(store, state);
  if (regions !== undefined) return { regions, state };
  throw environmentFailed(`cluster ${name} is no longer running (a reboot?)`, `start it again with: ${up}`);
}

/** The running cluster of that name; undefined if none runs. After a reboot only its state file is left. */
export async function findRunning(store: ClusterStore, name: string): Promise<OpenCluster | undefined> {
  const state = await store.read(name);
  if (state?.phase !== 'up' || (await findRoles(store, state)).length === 0) return undefined;
  return { regions: attachCluster(store, state), state };
}

/**
 * Attaches to a cluster whose state is `up`; undefined if nothing of it runs. Throws ENVIRONMENT_FAILED if it may
 * run in another pid namespace, or if its Toxiproxy is not running: the regions cannot reach each other, and `up` does
 * not restart it.
 */
export async function attachRunning(store: ClusterStore, state: ClusterState): Promise<Regions | undefined> {
  const roles = await findRoles(store, state);
  const elsewhere = roles.length === 0 ? explainElsewhere(store, state) : undefined;
  if (elsewhere !== undefined) throw elsewhere;
  if (roles.length === 0) return undefined;
  if (roles.includes('toxiproxy')) return attachCluster(store, state);
  throw environmentFailed(`the Toxiproxy of cluster ${state.name} is not running`, restartHint(state.name));
}

/** The hint that says how to end a cluster and start it again. */
export function restartHint(name: string): string {
  return `restart the cluster with: openclaw-rl down --name ${name} && openclaw-rl up --name ${name}`;
}
