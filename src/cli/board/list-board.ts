import { resolve } from 'node:path';
import { BOARD_SCENARIOS } from '../../core/board-terms.ts';
import { printable } from '../../core/printable.ts';
import { earlierCell, NOT_MEASURED } from '../../report/scoreboard/merge-boards.ts';
import { drawTable } from '../../report/text-table.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { boardIn, boardScenarios } from './board-files.ts';
import { findLimiters } from './find-limiters.ts';
import { type BoardFlags, rowsOf } from './run-board.ts';

/** Prints the limiters, their versions, and which of the cells asked for the folder has. Runs nothing. */
export async function listBoard(
  words: readonly string[],
  flags: Pick<BoardFlags, 'audits' | 'folder' | 'format' | 'json' | 'scenario'>,
  environment: Environment,
): Promise<void> {
  const found = await findLimiters(words, { audits: flags.audits, cwd: environment.cwd });
  const limiters = await rowsOf(found, environment);
  const board = await boardIn(resolve(environment.cwd, flags.folder));
  const wanted: readonly string[] = flags.scenario ?? BOARD_SCENARIOS;
  const scenarios = (await boardScenarios(environment)).filter(({ id }) => wanted.includes(id));
  const listed = limiters.map(({ row, by }) => ({
    ...{ id: row.id, version: row.version, promise: row.promise },
    ...('lack' in by && { lack: by.lack }),
    cells: Object.fromEntries(
      scenarios.map((scenario) => [scenario.id, earlierCell(board, row, scenario)?.status ?? NOT_MEASURED]),
    ),
  }));
  if (flags.json || flags.format === 'json') {
    environment.out(jsonText(listed));
    return;
  }
  const rows = listed.map(({ id, version, promise, lack, cells }) =>
    [id, lack ?? version, promise, ...Object.values(cells).map((text) => MARKS[text] ?? text)].map(printable),
  );
  const head = ['limiter', 'version', 'promise', ...scenarios.map(({ id }) => id)];
  environment.out(`${drawTable({ head, rows, spare: ['promise'] }, environment.look.columns)}\n`);
}

const MARKS: Readonly<Record<string, string>> = { [NOT_MEASURED]: '', 'not-run': '-' };
