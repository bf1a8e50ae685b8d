import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const REPORTS = 'reports';

/** The length of the time at the beginning of a folder's name, with the hyphen behind it. */
const TIME_LENGTH = 20;

/** Whether this is a name of a run's folder. */
export function isRunFolder(name: string): boolean {
  return /^\d{8}T\d{9}Z-/.test(name);
}

/** The folder of the newest run of this name, like `bench-1`, under `reports/`. */
export function newestRun(name: string, cwd: string): string | undefined {
  const newest = runFolders(cwd).find((folder) => nameOf(folder) === name);
  return newest === undefined ? undefined : join(REPORTS, newest);
}

/** The names of the runs under `reports/`, like `bench-1`, each once, the newest first. */
export function runNames(cwd: string): string[] {
  return [...new Set(runFolders(cwd).map(nameOf))];
}

/** Names begin with the time of their run: the last one in order is the newest. */
function runFolders(cwd: string): string[] {
  const reports = resolve(cwd, REPORTS);
  const names = existsSync(reports) ? readdirSync(reports) : [];
  return names.filter(isRunFolder).sort().reverse();
}

function nameOf(folder: string): string {
  return folder.slice(TIME_LENGTH);
}
