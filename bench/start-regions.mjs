// Local regions for a benchmark.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalProvider } from '../dist/regions/local/provider.js';
import { findServer } from '../dist/regions/local/server-binary.js';
import { ClusterStore } from '../dist/regions/store/cluster-store.js';
import { planTopology } from '../dist/topology/topology.js';

const SELF = [process.execPath, new URL('../bin/openclaw-rl', import.meta.url).pathname];

/** Brings a cluster up; `stop` ends it and removes its folder. */
export async function startRegions({ server, seed, topology }) {
  const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-'));
  const store = new ClusterStore(state);
  const regions = await createLocalProvider({ store, binary: await findServer(server), self: SELF, seed }).up(
    {
      name: 'bench',
      topology: planTopology(topology),
      lifetime: 'run',
      signal: new AbortController().signal,
      onProgress: () => {},
    },
  );
  return {
    regions,
    async stop() {
      await regions.down();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
