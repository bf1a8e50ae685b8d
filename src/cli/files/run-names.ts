import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';

export const REPORTS = 'reports';

/** The length of the time at the beginning of a folder's name, with the hyphen behind it. */
const TIME_LENGTH = 20;

/** Whether this is a name of a run's folder. */
export function isRunFolder(name: string): boolean {
  return /^\d{8}T\d{9}Z-/.test(name);
}

/**
 * The folder under `reports/` of the newest run of this name, like `bench-1`, or of the run with this full name. Throws
 * INVALID_OPTION if `reports` is no folder.
 */
export function newestRun(name: string, cwd: string): string | undefined {
  const newest = runFolders(cwd).find((folder) => [folder, nameOf(folder)].includes(name));
  return newest === undefined ? undefined : join(REPORTS, newest);
}

/** The names of the runs under `reports/`, like `bench-1`, each once, the newest first. */
export function runNames(cwd: string): string[] {
  return [...new Set(runFolders(cwd).map(nameOf))];
}

/** Names begin with the time of their run: the last one in order is the newest. */
function runFolders(cwd: string): string[] {
  return namesIn(resolve(cwd, REPORTS)).filter(isRunFolder).sort().reverse();
}

function namesIn(reports: string): string[] {
  if (!existsSync(reports)) return [];
  try {
    return readdirSync(reports);
  } catch (error) {
    throw invalidOption(
      `${REPORTS}: ${(error as Error).message}`,
      'make it a folder that you can read, or give the folder of a run',
    );
  }
}

function nameOf(folder: string): string {
  return folder.slice(TIME_LENGTH);
}
