import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Regions, RegionsProvider, UpOptions } from '../../src/regions/provider.ts';
import { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../src/topology/topology.ts';

/** A cluster of the test's own by any provider, with a state folder of its own; `cluster` is its folder in there. */
export async function startTestRegions(
  provide: (store: ClusterStore) => RegionsProvider,
  options: Partial<TopologyOptions>,
  more: Pick<UpOptions, 'steppableClocks'> = {},
): Promise<{ regions: Regions; state: string; cluster: string; stop(): Promise<void> }> {
  const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const store = new ClusterStore(state);
  const regions = await provide(store).up({
    name: 'test',
    topology: planTopology({ ...DEFAULT_TOPOLOGY, ...options }),
    lifetime: 'run',
    signal: new AbortController().signal,
    onProgress: () => {},
    ...more,
  });
  return {
    regions,
    state,
    cluster: store.folderOf('test'),
    async stop() {
      await regions.down();
      rmSync(state, { recursive: true });
    },
  };
}
