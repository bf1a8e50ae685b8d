import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseImages } from '../../src/regions/docker/images.ts';
import { createDockerProvider } from '../../src/regions/docker/provider.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { ClusterStore } from '../../src/regions/state.ts';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../src/regions/topology.ts';
import { imageVariables } from './docker.ts';

/** A cluster of containers of the test's own, with a state folder of its own; `cluster` is the value of its label. */
export async function startDockerRegions(
  options: Partial<TopologyOptions> = {},
): Promise<{ regions: Regions; cluster: string; stop(): Promise<void> }> {
  const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const store = new ClusterStore(state);
  const provider = createDockerProvider({
    store,
    images: chooseImages(imageVariables()),
  });
  const regions = await provider.up({
    name: 'test',
    topology: planTopology({ ...DEFAULT_TOPOLOGY, ...options }),
    lifetime: 'run',
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  return {
    regions,
    cluster: store.folderOf('test'),
    async stop() {
      await regions.down();
      rmSync(state, { recursive: true });
    },
  };
}
