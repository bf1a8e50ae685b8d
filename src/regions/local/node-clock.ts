import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compileOverride, readOffsetUs, writeOffsetUs } from './clock-override.ts';

const LIBRARY = 'clock-override.so';

/** Makes the override of a cluster, before its first node is started. Throws ENVIRONMENT_FAILED. */
export async function compileClockOverride(cluster: string): Promise<void> {
  await mkdir(join(cluster, 'clocks'), { recursive: true });
  await compileOverride(join(cluster, LIBRARY));
}

/**
 * What puts the override into a node's server. Both paths are relative to the node's folder, where it runs: the
 * loader would split a path at a blank or a colon.
 */
export async function clockEnvironment(cluster: string, node: string): Promise<Record<string, string>> {
  const file = offsetFile(cluster, node);
  await writeOffsetUs(file, await readOffsetUs(file)); // an empty file cannot be mapped
  return { LD_PRELOAD: `../../${LIBRARY}`, CLOCK_OFFSET_FILE: `../../clocks/${node}` };
}

/** Moves a node's clock, on top of earlier steps. */
export async function stepNodeClock(cluster: string, node: string, byMs: number): Promise<void> {
  const file = offsetFile(cluster, node);
  await writeOffsetUs(file, (await readOffsetUs(file)) + byMs * 1_000);
}

/** Sets a node's clock to the machine's. */
export async function resetNodeClock(cluster: string, node: string): Promise<void> {
  await writeOffsetUs(offsetFile(cluster, node), 0);
}

function offsetFile(cluster: string, node: string): string {
  return join(cluster, 'clocks', node);
}
