import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalProvider } from '../../src/regions/local/provider.ts';
import { findServer } from '../../src/regions/local/server-binary.ts';
import type { Regions, UpOptions } from '../../src/regions/provider.ts';
import { ClusterStore } from '../../src/regions/state.ts';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../src/regions/topology.ts';

const SELF = [process.execPath, join(import.meta.dirname, '../../bin/openclaw-rl')] as const;

/** A local cluster of the test's own, with a state folder of its own. */
export async function startLocalRegions(
  server: string,
  options: Partial<TopologyOptions> = {},
  more: Pick<UpOptions, 'steppableClocks'> = {},
): Promise<{ regions: Regions; state: string; stop(): Promise<void> }> {
  const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const store = new ClusterStore(state);
  const provider = createLocalProvider({ store, binary: await findServer(server), self: SELF, seed: 1 });
  const regions = await provider.up({
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
    async stop() {
      await regions.down();
      rmSync(state, { recursive: true });
    },
  };
}
