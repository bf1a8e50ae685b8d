import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { BOARD_SCENARIOS } from '../../core/board-terms.ts';
import { OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { sortedJson } from '../../core/sorted-json.ts';
import { writeRunFile } from '../../experiment/run-folder.ts';
import { NAME_ONE, parseScoreboard } from '../../report/scoreboard/parse-scoreboard.ts';
import type { Scoreboard, ScoreboardScenario } from '../../report/scoreboard/scoreboard.ts';
import { renderScoreboardMarkdown } from '../../report/scoreboard/scoreboard-markdown.ts';
import { readTextFile } from '../files/read-file.ts';
import { readScenario } from '../files/read-scenario.ts';
import { boardScenario } from '../files/scenario-names.ts';
import { scoreboardHtml } from '../output/html-file.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';

const BOARD_FILE = 'scoreboard.json';

/** The board that comes along. */
export const KEPT_BOARD = resolve(import.meta.dirname, '../../../docs/results', BOARD_FILE);

/** The board that earlier commands left in a folder; undefined without one. Throws INVALID_REPORT. */
export async function boardIn(folder: string): Promise<Scoreboard | undefined> {
  const path = join(folder, BOARD_FILE);
  return existsSync(path) ? readBoard(path, { cwd: folder }) : undefined;
}

/** The board of a file as typed. Throws INVALID_REPORT. */
export async function readBoard(path: string, { cwd }: Pick<Environment, 'cwd'>): Promise<Scoreboard> {
  const text = await readTextFile(resolve(cwd, path)).catch((error: Error) => {
    throw new OpenclawError('INVALID_REPORT', `cannot read ${quoted(path)}: ${error.message}`, {
      hint: NAME_ONE,
    });
  });
  return parseScoreboard(text, path);
}

/** Writes a board into its folder, in every format. Throws ENVIRONMENT_FAILED. */
export async function writeBoard(folder: string, board: Scoreboard): Promise<void> {
  await writeRunFile(folder, BOARD_FILE, jsonText(board));
  await writeRunFile(folder, 'scoreboard.md', renderScoreboardMarkdown(board));
  await writeRunFile(folder, 'scoreboard.html', scoreboardHtml(board));
}

/** The scenarios as columns. */
export async function boardScenarios(environment: Environment): Promise<ScoreboardScenario[]> {
  const plans = BOARD_SCENARIOS.map((id) => readScenario(boardScenario(id), {}, environment));
  return (await Promise.all(plans)).map((plan) => {
    const { scenario: id, about, ...run } = plan;
    const code = createHash('sha256')
      .update(sortedJson(run) ?? '')
      .digest('hex');
    return { id, title: id.replaceAll('-', ' '), about, code };
  });
}

/** What figures of time depend on, without the name of the machine. */
export function machineText(): string {
  const { versions, platform, arch } = process;
  return `Node.js ${versions.node}, ${availableParallelism()} cores, ${platform} ${arch}`;
}
