import { dirname } from 'node:path';
import type { ClusterStore } from '../state.ts';
import { endOwned, listOwned } from './owned-processes.ts';
import { isAlive } from './owner.ts';

/**
 * Ends what a program left behind that was killed: clusters whose owner is gone, and processes of clusters
 * that have no state file. Gives their names. Logs of starts that failed long ago go as well.
 */
export async function sweepAbandoned(
  store: ClusterStore,
  end: (name: string) => Promise<void>,
): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await store.names()) {
    const state = await store.read(name).catch(() => undefined);
    if (state?.owner !== undefined && !isAlive(state.owner)) {
      const isEnded = await end(name).then(
        () => true,
        () => false, // of containers, while their engine does not answer
      );
      if (isEnded) swept.push(name);
    }
  }
  const orphans = await findOrphans(store);
  if (orphans.size > 0) await endOwned(() => listOwned().filter(({ cluster }) => orphans.has(cluster)));
  await store.dropOldLogs();
  return [...swept, ...orphans];
}

/**
 * Clusters that have processes and no state file. The processes are listed first: a cluster's file is there
 * before its first process, so one that another program starts at this moment is not mistaken for an orphan.
 */
async function findOrphans(store: ClusterStore): Promise<Set<string>> {
  const running = listOwned().filter(({ cluster }) => dirname(cluster) === store.folder);
  const orphans = new Set(running.map(({ cluster }) => cluster));
  for (const name of await store.names()) {
    if (await store.read(name).catch(() => undefined)) orphans.delete(store.folderOf(name));
  }
  return orphans;
}
