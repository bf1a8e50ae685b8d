import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type BoardScenario, isBoardScenario } from '../../core/board-terms.ts';

const COME_ALONG = resolve(import.meta.dirname, '../../../scenarios');
const ENDING = '.yaml';

/** The built-in scenarios with more regions than can be started. */
export const ONLY_SIMULATED: readonly string[] = ['hundred-regions'];

/** The file of a built-in scenario. */
export function scenarioFile(name: string): string {
  return join(COME_ALONG, `${name}${ENDING}`);
}

/** Whether this is the name of a scenario of the scoreboard, like `scoreboard/failover`. */
export function isOfBoard(name: string): boolean {
  const [folder, scenario = '', ...more] = name.split('/');
  return folder === BOARD && more.length === 0 && isBoardScenario(scenario);
}

/** The built-in scenario of the scoreboard with this id. */
export function boardScenario(id: BoardScenario): string {
  return `${BOARD}/${id}`;
}

const BOARD = 'scoreboard';

/** The names of the built-in scenarios, without those of the scoreboard. */
export async function scenarioNames(): Promise<string[]> {
  const files = await readdir(COME_ALONG);
  return files
    .filter((file) => file.endsWith(ENDING))
    .map((file) => basename(file, ENDING))
    .sort();
}
