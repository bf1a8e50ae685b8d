import { dirname } from 'node:path';
import type { ClusterStore } from '../state.ts';
import { endOwned, listOwned } from './owned-processes.ts';
import { isAlive } from './owner.ts';
import { endLocalCluster } from './provider.ts';

/**
 * Ends what a program left behind that was killed: clusters whose owner is gone, and processes of clusters
 * that have no state file. Gives their names.
 */
export async function sweepAbandoned(store: ClusterStore): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await store.names()) {
    const state = await store.read(name).catch(() => undefined);
    if (state?.owner !== undefined && !isAlive(state.owner)) {
      await endLocalCluster(store, name);
      swept.push(name);
    }
  }
  const known = new Set(
    await Promise.all(
      (await store.names()).map(async (name) =>
        (await store.read(name).catch(() => undefined)) ? store.folderOf(name) : '',
      ),
    ),
  );
  const orphans = () =>
    listOwned().filter(({ cluster }) => dirname(cluster) === store.folder && !known.has(cluster));
  if (orphans().length > 0) {
    swept.push(...new Set(orphans().map(({ cluster }) => cluster)));
    await endOwned(orphans);
  }
  return swept;
}
