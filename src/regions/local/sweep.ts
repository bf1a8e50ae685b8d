import { basename, dirname } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { explainElsewhere } from '../elsewhere.ts';
import { endOwned, listOwned, type OwnedProcess } from '../processes/owned-processes.ts';
import { fateOf } from '../processes/owner.ts';
import { isAbandonedService, isService } from '../processes/services.ts';
import type { ClusterState } from '../store/cluster-state.ts';
import type { ClusterStore } from '../store/cluster-store.ts';

export interface Sweep {
  /** The names of clusters with ended processes or containers. */
  readonly ended: readonly string[];
  /**
   * Clusters left alone: their state file is unreadable, Docker does not answer, or they are of another pid namespace.
   * The name is empty if Docker could not be asked for any.
   */
  readonly unknown: readonly { readonly name: string; readonly why: OpenclawError }[];
}

/**
 * Ends the leftovers of killed programs: clusters whose owner has ended, processes of starts without a state file, and
 * services.
 * Also removes old logs of failed starts.
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
    else if (state?.owner !== undefined && fateOf(state.owner) !== 'runs') {
      const outcome = explainElsewhere(store, state) ?? (await orError(end(state)));
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
 * Services of programs that have ended, and processes of starts without a state file. Processes are listed before the
 * files are read. A start writes its file before its first process, so a concurrent start is never taken for an orphan.
 */
async function findOrphans(store: ClusterStore): Promise<OwnedProcess[]> {
  const running = listOwned().filter(({ cluster }) => dirname(cluster) === store.folder);
  const states = new Map<string, ClusterState | OpenclawError | undefined>();
  for (const { cluster } of running) states.set(cluster, await tryRead(store, basename(cluster)));
  return running.filter((owned) => {
    const state = states.get(owned.cluster);
    if (state instanceof OpenclawError) return isAbandonedService(owned);
    // A docker client of a service on a cluster that stands: the next run there ends it, and its container.
    return state?.startId !== owned.startId && (!isService(owned) || isAbandonedService(owned));
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

/** The start of a process, and of a service its program, which may have ended alone. */
function keyOf({ cluster, startId, role }: OwnedProcess): string {
  return [cluster, startId, ...(isService({ role }) ? [role] : [])].join('\n');
}
