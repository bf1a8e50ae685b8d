import { expect, onTestFinished, vi } from 'vitest';
import type { ClusterStatus } from '../../src/regions/cluster/status.ts';
import { signalAll } from '../../src/regions/processes/owned-processes.ts';
import { runCli, testFolder } from './cli.ts';
import { ownedIn } from './leftovers.ts';

/** Two regions close together and no replicas, where more would show nothing more. */
export const SMALL = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '0'];

/** A folder whose clusters end with the test, also if it fails. */
export function clusterFolder(): string {
  const folder = testFolder();
  onTestFinished(async () => {
    signalAll(ownedIn(folder), 'SIGKILL');
    await vi.waitUntil(() => ownedIn(folder).length === 0, { timeout: 20_000 });
  });
  return folder;
}

/** `up`, which must succeed. */
export async function up(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runCli(['up', '--json', ...args], { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/Warning/); // of Node, as of listeners that pile up
  return { status: JSON.parse(stdout) as ClusterStatus, stderr };
}

/** Kills the processes of all clusters of a test, or those of one role, and waits until they are gone. */
export async function killAll(folder: string, role?: string): Promise<void> {
  const chosen = () => ownedIn(folder).filter((owned) => role === undefined || owned.role === role);
  signalAll(chosen(), 'SIGKILL');
  await vi.waitUntil(() => chosen().length === 0, { timeout: 20_000 });
}
