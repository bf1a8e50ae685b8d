import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ClusterState, Owner } from '../../src/regions/store/cluster-state.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { testFolder } from './cli.ts';

/** A program that has ended. */
export const GONE: Owner = { pid: 1, startedAt: 'never' };

/** A program that runs until the test is over. */
export async function startOwner(): Promise<Owner> {
  const child = spawn('sleep', ['600']);
  await once(child, 'spawn');
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  const startedAt = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21] ?? '';
  return { pid, startedAt };
}

/** A folder with the state files of these clusters, of which nothing runs. */
export function folderWith(
  clusters: Readonly<Record<string, Pick<ClusterState, 'owner' | 'programs'>>>,
  cwd = testFolder(),
): string {
  for (const [name, users] of Object.entries(clusters)) {
    const state: ClusterState = {
      version: 1,
      name,
      startId: `start-of-${name}`,
      provider: 'local',
      createdAt: '2026-11-27T10:12:01.000Z',
      phase: 'up',
      topology: planTopology(DEFAULT_TOPOLOGY),
      provision: {
        addresses: { octet: 77, port: 7_100 },
        binary: { command: 'redis-server', product: 'redis', version: '7.0.15' },
      },
      ...users,
    };
    const folder = join(cwd, 'state/clusters', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
  }
  return cwd;
}

/** The names of the clusters in a folder. */
export const clustersIn = (cwd: string) => readdirSync(join(cwd, 'state/clusters')).sort();
