import { environmentFailed, type OpenclawError } from '../core/errors.ts';
import { isElsewhere } from './processes/owner.ts';
import type { ClusterState } from './store/cluster-state.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** Why a cluster cannot be judged or ended from this pid namespace; undefined for a cluster of this one. */
export function explainElsewhere(
  store: ClusterStore,
  { name, owner, provision }: ClusterState,
): OpenclawError | undefined {
  const pidNamespace = owner === undefined ? provision.pidNamespace : owner.pidNamespace;
  if (typeof pidNamespace !== 'string' || !isElsewhere(pidNamespace)) return undefined;
  return environmentFailed(
    `cluster ${name} is of another pid namespace: its processes cannot be seen from here`,
    `end it in its own container; if that is gone or was restarted: rm -r ${store.folderOf(name)}`,
  );
}
