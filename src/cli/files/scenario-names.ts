import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BOARD_SCENARIOS, type BoardScenario } from '../../core/board-terms.ts';

const COME_ALONG = resolve(import.meta.dirname, '../../../scenarios');
const ENDING = '.yaml';

/** The built-in scenarios with more regions than can be started. */
export const ONLY_SIMULATED: readonly string[] = ['hundred-regions'];

/** The file of a built-in scenario. */
export function scenarioFile(name: string): string {
  return join(COME_ALONG, `${name}${ENDING}`);
}

/** Whether this has the form of a built-in scenario's name: `baseline`, or `scoreboard/failover`. */
export function isScenarioName(text: string): boolean {
  return /^[\w-]+$/.test(text.startsWith(`${BOARD}/`) ? text.slice(BOARD.length + 1) : text);
}

/** Built-in scenarios that a name of this form may mean. */
export async function namesLike(name: string): Promise<string[]> {
  return name.startsWith(`${BOARD}/`) ? BOARD_SCENARIOS.map(boardScenario) : scenarioNames();
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
