import { resolve } from 'node:path';
import { BOARD_SCENARIOS, type BoardScenario } from '../../core/board-terms.ts';
import { printable as printableText } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { type Verdict, worst } from '../../core/verdict.ts';
import { type Look, labelled } from '../../report/fit-lines.ts';
import { mergeBoards } from '../../report/scoreboard/merge-boards.ts';
import type { CellStatus, Scoreboard, ScoreboardCell } from '../../report/scoreboard/scoreboard.ts';
import { renderScoreboardMarkdown } from '../../report/scoreboard/scoreboard-markdown.ts';
import { scoreboardNotes, scoreboardTable } from '../../report/scoreboard/scoreboard-text.ts';
import { printable } from '../../report/text.ts';
import { drawTable } from '../../report/text-table.ts';
import { makeCellFolder } from '../files/kept-cells.ts';
import { scoreboardHtml } from '../output/html-file.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { VERSION } from '../process/version.ts';
import type { CellFlags } from '../runs/cell-run.ts';
import { boardIn, boardScenarios, machineText, writeBoard } from './board-files.ts';
import { type BoardLimiter, boardLimiter } from './board-limiter.ts';
import { type FoundLimiter, findLimiters } from './find-limiters.ts';
import { cellOf, type MeasuredBy } from './measure-cells.ts';
import { type PlannedCell, planCells } from './plan-cells.ts';
import { TimeLeft } from './time-left.ts';

/** The flags that choose and measure cells, and print the board. */
export interface BoardFlags extends CellFlags {
  readonly audits?: string;
  readonly scenario?: readonly BoardScenario[];
  readonly seed: number;
  readonly again: boolean;
  readonly format: 'table' | 'md' | 'html' | 'json';
  readonly json: boolean;
}

/** These limiters with their rows. Files of the folder that have none are left out. */
export async function rowsOf(
  found: readonly FoundLimiter[],
  environment: Environment,
): Promise<BoardLimiter[]> {
  const limiters: BoardLimiter[] = [];
  environment.log(`asking ${count(found.length, 'limiter')} for name, promise and version\n`);
  for (const one of found) {
    const limiter = await boardLimiter(one, environment);
    if (limiter !== undefined) limiters.push(limiter);
  }
  return limiters;
}

/** Measures the cells of these limiters that are not kept, adds them to the board of the folder, and prints that. */
export async function runBoard(
  words: readonly string[],
  flags: BoardFlags,
  environment: Environment,
): Promise<void> {
  const folder = resolve(environment.cwd, flags.folder);
  const scenarios = BOARD_SCENARIOS.filter((id) => flags.scenario?.includes(id) ?? true);
  const found = await findLimiters(words, { audits: flags.audits, cwd: environment.cwd });
  const limiters = await rowsOf(found, environment);
  const planned = await planCells(limiters, { scenarios, seed: flags.seed }, environment);
  await boardIn(folder); // a mistake in it is found before anything runs
  await makeCellFolder(folder, flags.folder);
  const cells = await measureAll(planned, { folder, flags, environment });
  // Read as late as that: another command may have written it meanwhile.
  const board = mergeBoards(await boardIn(folder), {
    program: `openclaw-rl ${VERSION}`,
    command: ['openclaw-rl', ...environment.commandLine.map(quotedForShell)].join(' '),
    machine: machineText(),
    scenarios: await boardScenarios(environment),
    limiters: limiters.map(({ row }) => row),
    cells,
  });
  await writeBoard(folder, board);
  if (environment.interrupt.aborted) {
    environment.log(
      `interrupted after ${cells.length} of ${planned.length} cells, which are in ${printableText(flags.folder)}; the same command resumes\n`,
    );
    environment.setExitCode(environment.interruptCode());
    return;
  }
  environment.out(rendered(board, flags, environment.look));
  environment.setExitCode(EXIT[verdictOf(planned, cells)]);
}

/** Up to an interruption. */
async function measureAll(
  planned: readonly PlannedCell[],
  { folder, flags, environment }: Pick<MeasuredBy, 'folder' | 'environment'> & { readonly flags: BoardFlags },
): Promise<ScoreboardCell[]> {
  const time = new TimeLeft(planned.length, () => performance.now());
  const again = flags.again ? 'unknown' : 'none';
  const by = { folder, flags, environment, time, again, failed: new Map<string, string>() } as const;
  const cells: ScoreboardCell[] = [];
  for (const [at, one] of planned.entries()) {
    const cell = await cellOf(one, `${at + 1} of ${planned.length}`, by).catch((error: unknown) => {
      if (environment.interrupt.aborted) return undefined;
      throw error;
    });
    if (cell === undefined || environment.interrupt.aborted) return cells;
    cells.push(cell);
    time.passed();
  }
  return cells;
}

/** A cell that was to be run and could not be is unknown; one that has a reason not to be run counts for nothing. */
function verdictOf(planned: readonly PlannedCell[], cells: readonly ScoreboardCell[]): Verdict {
  return worst(
    cells.flatMap(({ status }, at) => {
      const one = planned[at];
      return one !== undefined && 'reason' in one ? [] : VERDICTS[status];
    }),
  );
}

const VERDICTS: Readonly<Record<CellStatus, Verdict>> = {
  ...{ kept: 'pass', exceeded: 'pass', broken: 'fail' },
  ...{ unknown: 'unknown', 'not-run': 'unknown' },
};

function rendered(untrusted: Scoreboard, { format, json }: BoardFlags, { columns }: Look): string {
  if (json || format === 'json') return jsonText(untrusted);
  if (format === 'html') return scoreboardHtml(untrusted);
  if (format === 'md') return renderScoreboardMarkdown(untrusted);
  const board = printable(untrusted);
  const notes = scoreboardNotes(board).map((note) => `${labelled('', note, columns)}\n`);
  return `${drawTable(scoreboardTable(board), columns)}\n${notes.join('')}`;
}
