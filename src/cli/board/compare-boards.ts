import { printable } from '../../core/printable.ts';
import { changesBetween, changesSentence, changesTable } from '../../report/scoreboard/changes.ts';
import { drawTable } from '../../report/text-table.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';
import { readBoard } from './board-files.ts';

/** Prints how many cells of two boards differ in their status, and which. */
export async function compareBoards(
  [first, second]: readonly [string, string],
  { json }: { readonly json: boolean },
  environment: Environment,
): Promise<void> {
  const [before, after] = [await readBoard(first, environment), await readBoard(second, environment)];
  const changes = changesBetween(before, after);
  const all = [...changes.changed, ...changes.onlyOne];
  const { head, rows } = changesTable(all);
  const table = { head, rows: rows.map((row) => row.map(printable)) };
  const drawn = all.length === 0 ? '' : `${drawTable(table, environment.look.columns)}\n`;
  environment.out(json ? jsonText(changes) : `${changesSentence(changes)}\n${drawn}`);
  environment.setExitCode(changes.changed.length === 0 ? EXIT.pass : EXIT.fail);
}
