import { OpenclawError } from '../core/errors.ts';
import { explainElsewhere } from './elsewhere.ts';
import { othersAlive } from './processes/owner.ts';
import type { ClusterState, Owner } from './store/cluster-state.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** A cluster of this user. */
export interface FoundCluster {
  readonly name: string;
  /** Absent: only files of a failed start are left, or the state file is invalid. */
  readonly state?: ClusterState;
  /** Why the state file cannot be read, or the cluster cannot be seen from here. */
  readonly invalid?: OpenclawError;
  /** The running programs, other than this one, that start it, end it or have a run on it. */
  readonly programs: readonly Owner[];
}

/** Every cluster with a folder. Ends nothing. */
export async function findClusters(store: ClusterStore): Promise<FoundCluster[]> {
  const names = (await store.names()).sort();
  return Promise.all(
    names.map(async (name) => {
      const state = await store.read(name).catch((error: unknown) => {
        if (error instanceof OpenclawError) return error;
        throw error;
      });
      if (state instanceof OpenclawError) return { name, invalid: state, programs: [] };
      if (state === undefined) return { name, programs: [] };
      const invalid = explainElsewhere(store, state);
      return invalid ? { name, invalid, programs: [] } : { name, state, programs: findPrograms(state) };
    }),
  );
}

function findPrograms({ owner, programs = [] }: ClusterState): Owner[] {
  return othersAlive(owner === undefined ? programs : [owner, ...programs]);
}
