import { access, constants, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunPlace } from './kept-runs.ts';
import { isRunFolder } from './run-names.ts';

/** A run has this before its name from the moment at which it is removed: what has no such name is whole. */
const DOOMED = '.pruned-';

/**
 * Removes the folder of a run. Returns whether it was there: another program may have removed it. Throws, and leaves it
 * whole, if it has a folder that this user cannot write to.
 */
export async function removeRun({ reports, name }: RunPlace): Promise<boolean> {
  const doomed = join(reports, `${DOOMED}${name}`);
  try {
    await expectRemovable(join(reports, name));
    await rename(join(reports, name), doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await removeFolder(doomed);
  return true;
}

/** A folder can be renamed by those who cannot remove what is in it. */
async function expectRemovable(folder: string): Promise<void> {
  await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await expectRemovable(join(folder, entry.name));
}

/** The runs whose removal was cut short, by the names of their folders. */
export async function findHalfRemoved(reports: string): Promise<string[]> {
  const entries = await readdir(reports, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(DOOMED))
    .map(({ name }) => name)
    .filter((name) => isRunFolder(name.slice(DOOMED.length)));
}

/** Removes a folder; another program may be removing it, too. Follows no symbolic link. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** The bytes of all files below a path; what is gone meanwhile counts nothing. Follows no symbolic link. */
export async function bytesBelow(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  const names = await readdir(path).catch((): string[] => []);
  const sizes = await Promise.all(names.map((name) => bytesBelow(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
