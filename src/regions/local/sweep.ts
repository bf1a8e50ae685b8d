import { basename, dirname } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import type { ClusterState } from '../cluster-state.ts';
import { endOwned, listOwned, type OwnedProcess } from '../processes/owned-processes.ts';
import { isAlive } from '../processes/owner.ts';
import type { ClusterStore } from '../state.ts';

export interface Sweep {
  /** The names of the clusters of which something was ended. */
  readonly ended: readonly string[];
  /** Those that were left alone, and why: their state file says nothing, or what they run in does not answer; there the name is empty where none is known. */
  readonly unknown: readonly { readonly name: string; readonly why: OpenclawError }[];
}

/**
 * Ends what a program left behind that was killed: clusters whose owner is gone, and processes of clusters
 * that no state file knows. Logs of starts that failed long ago go as well.
 */
export async function sweepAbandoned(
  store: ClusterStore,
  end: (state: ClusterState) => Promise<boolean>,
): Promise<Sweep> {
  const ended = new Set<string>();
  const unknown: { name: string; why: OpenclawError }[] = [];
  for (const name of await store.names()) {
    const state = await tryRead(store, name);
    if (state instanceof OpenclawError) unknown.push({ name, why: state });
    else if (state?.owner !== undefined && !isAlive(state.owner)) {
      const outcome = await orError(end(state));
      if (outcome instanceof OpenclawError) unknown.push({ name, why: outcome });
      else if (outcome) ended.add(name);
    }
  }
  for (const name of await endOrphans(store)) ended.add(name);
  await store.dropOldLogs();
  return { ended: [...ended], unknown };
}

async function endOrphans(store: ClusterStore): Promise<Set<string>> {
  const orphans = await findOrphans(store);
  const starts = new Set(orphans.map(keyOf));
  if (orphans.length > 0) await endOwned(() => listOwned().filter((owned) => starts.has(keyOf(owned))));
  const names = new Set(orphans.map(({ cluster }) => basename(cluster)));
  for (const name of names) await store.clear(name, { keepLogs: false });
  return names;
}

/**
 * Processes of starts that no state file knows. They are listed first: a start's file is there before its first
 * process, so one that another program makes at this moment is not mistaken for an orphan.
 */
async function findOrphans(store: ClusterStore): Promise<OwnedProcess[]> {
  const running = listOwned().filter(({ cluster }) => dirname(cluster) === store.folder);
  const states = new Map<string, ClusterState | OpenclawError | undefined>();
  for (const { cluster } of running) states.set(cluster, await tryRead(store, basename(cluster)));
  return running.filter(({ cluster, startId }) => {
    const state = states.get(cluster);
    return !(state instanceof OpenclawError) && state?.startId !== startId;
  });
}

async function tryRead(store: ClusterStore, name: string): Promise<ClusterState | OpenclawError | undefined> {
  return orError(store.read(name));
}

async function orError<T>(promise: Promise<T>): Promise<T | OpenclawError> {
  return promise.catch((error: unknown) => {
    if (error instanceof OpenclawError) return error;
    throw error;
  });
}

function keyOf({ cluster, startId }: OwnedProcess): string {
  return `${cluster}:${startId}`;
}
