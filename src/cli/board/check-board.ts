import { join, resolve } from 'node:path';
import { BOARD_SCENARIOS, isBoardScenario } from '../../core/board-terms.ts';
import { invalidOption } from '../../core/errors.ts';
import { printable, quoted } from '../../core/printable.ts';
import { makeRandom } from '../../core/prng.ts';
import { isJudged } from '../../report/scoreboard/changes.ts';
import type { ScoreboardCell } from '../../report/scoreboard/scoreboard.ts';
import { makeCellFolder } from '../files/kept-cells.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { KEPT_BOARD, readBoard } from './board-files.ts';
import type { BoardLimiter } from './board-limiter.ts';
import { type FoundLimiter, findLimiters } from './find-limiters.ts';
import { cellOf } from './measure-cells.ts';
import { planCells } from './plan-cells.ts';
import { type BoardFlags, rowsOf } from './run-board.ts';
import { TimeLeft } from './time-left.ts';

export interface CheckFlags extends BoardFlags {
  readonly against?: string;
}

const CELLS_TO_CHECK = 3;

/**
 * Runs cells of a kept board again, three that the seed draws from those that were typed or from all, and prints whether
 * their status is the same.
 */
export async function checkBoard(
  words: readonly string[],
  flags: CheckFlags,
  environment: Environment,
): Promise<void> {
  const path = flags.against ?? KEPT_BOARD;
  const { cells } = await readBoard(path, environment);
  const found = await findLimiters(words, { audits: flags.audits, cwd: environment.cwd });
  const candidates = cells.filter((cell) => isJudged(cell) && isTyped(cell, found, flags));
  if (candidates.length === 0)
    throw invalidOption(
      `${quoted(path)} has no such cell with a verdict`,
      'see which cells there are: openclaw-rl scoreboard --list',
    );
  const drawn = drawnOf(candidates, flags.seed);
  const needed = found.filter(({ id }) => drawn.some(({ limiter }) => limiter === id));
  const limiters = await rowsOf(needed, environment);
  const folder = resolve(environment.cwd, flags.folder, 'check');
  await makeCellFolder(folder, join(flags.folder, 'check'));
  const time = new TimeLeft(drawn.length, () => performance.now());
  const by = { folder, flags, environment, time, again: 'all', failed: new Map<string, string>() } as const;
  const checked: Checked[] = [];
  for (const [at, before] of drawn.entries()) {
    const planned = await planAgain(before, limiters, environment);
    checked.push({ before, after: await cellOf(planned, `${at + 1} of ${drawn.length}`, by) });
    time.passed();
    if (environment.interrupt.aborted) return environment.setExitCode(environment.interruptCode());
  }
  environment.out(flags.json || flags.format === 'json' ? jsonText(checked) : checked.map(lineOf).join(''));
  environment.setExitCode(exitCodeOf(checked));
}

interface Checked {
  readonly before: ScoreboardCell;
  readonly after: ScoreboardCell;
}

function isTyped(
  { limiter, scenario }: ScoreboardCell,
  found: readonly FoundLimiter[],
  flags: CheckFlags,
): boolean {
  const isOfLimiters = found.some(({ id }) => id === limiter);
  return isOfLimiters && (flags.scenario?.some((id) => id === scenario) ?? true);
}

/** So many, each equally likely, in the order of the board. */
function drawnOf(cells: readonly ScoreboardCell[], seed: number): ScoreboardCell[] {
  const random = makeRandom(seed, 'cells to check');
  const drawn = cells
    .map((cell) => ({ cell, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, CELLS_TO_CHECK)
    .map(({ cell }) => cell);
  return cells.filter((cell) => drawn.includes(cell));
}

async function planAgain(
  before: ScoreboardCell,
  limiters: readonly BoardLimiter[],
  environment: Environment,
) {
  const scenarios = BOARD_SCENARIOS.filter((id) => isBoardScenario(id) && id === before.scenario);
  const ofCell = limiters.filter(({ row }) => row.id === before.limiter);
  const [planned] = await planCells(ofCell, { scenarios, seed: before.seed }, environment);
  if (planned !== undefined) return planned;
  throw invalidOption(
    `${quoted(before.limiter)} has no row here, or ${quoted(before.scenario)} is no scenario of this version`,
    'name other cells',
  );
}

function lineOf({ before, after }: Checked): string {
  const cell = printable(`${after.limiter} in ${after.scenario}`);
  if (before.status === after.status) return `equal: ${cell}: ${after.status}\n`;
  const why = after.reason === '' ? '' : `: ${printable(after.reason)}`;
  const word = isJudged(after) ? 'changed' : 'unknown';
  return `${word}: ${cell}: was ${before.status}, is ${after.status}${why}\n  again: ${printable(before.command)}\n`;
}

function exitCodeOf(checked: readonly Checked[]): number {
  const hasChanged = ({ before, after }: Checked) => isJudged(after) && before.status !== after.status;
  if (checked.some(hasChanged)) return EXIT.fail;
  return checked.every(({ after }) => isJudged(after)) ? EXIT.pass : EXIT.unknown;
}
