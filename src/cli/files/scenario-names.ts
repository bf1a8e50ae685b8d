import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

const COME_ALONG = resolve(import.meta.dirname, '../../../scenarios');
const ENDING = '.yaml';

/** The built-in scenarios with more regions than can be started. */
export const ONLY_SIMULATED: readonly string[] = ['hundred-regions'];

/** The file of a built-in scenario. */
export function scenarioFile(name: string): string {
  return join(COME_ALONG, `${name}${ENDING}`);
}

/** The names of the built-in scenarios. */
export async function scenarioNames(): Promise<string[]> {
  const files = await readdir(COME_ALONG);
  return files
    .filter((file) => file.endsWith(ENDING))
    .map((file) => basename(file, ENDING))
    .sort();
}
