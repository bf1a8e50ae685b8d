import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';

/** Writes the state file of a cluster that is up, of these regions with a node each, without starting any. */
export function writeStanding(stateFolder: string, name: string, regions: readonly string[]): void {
  const folder = join(stateFolder, 'clusters', name);
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions, replicas: 0 });
  const provision = {
    addresses: { octet: 77, port: 7_100 },
    binary: { command: 'redis-server', product: 'redis', version: '7.0.15' },
  };
  const state = { version: 1, name, startId: 'x', provider: 'local', phase: 'up', topology, provision };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'state.json'), JSON.stringify({ ...state, createdAt: '2026-11-25T04:20:09Z' }));
}
