import { join } from 'node:path';
import { createLocalProvider } from '../../src/regions/local/provider.ts';
import { findServer } from '../../src/regions/local/server-binary.ts';
import type { UpOptions } from '../../src/regions/provider.ts';
import type { ClusterStore } from '../../src/regions/store/cluster-store.ts';
import type { TopologyOptions } from '../../src/topology/topology.ts';
import { startTestRegions } from './test-regions.ts';

const SELF = [process.execPath, join(import.meta.dirname, '../../bin/openclaw-rl')] as const;

/** Local processes. */
export async function startLocalRegions(
  server: string,
  options: Partial<TopologyOptions> = {},
  more: Pick<UpOptions, 'steppableClocks'> = {},
) {
  const binary = await findServer(server);
  const provide = (store: ClusterStore) => createLocalProvider({ store, binary, self: SELF, seed: 1 });
  return startTestRegions(provide, options, more);
}
