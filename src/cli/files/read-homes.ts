import { resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import { type HomesTable, readHomesTable } from '../../limiter/homes/table.ts';
import type { Environment } from '../process/environment.ts';
import { readTextFile } from './read-file.ts';

/** The homes table in a file, or that is written as JSON itself. Throws INVALID_OPTION. */
export async function readHomesFile(
  written: string,
  { cwd }: Pick<Environment, 'cwd'>,
  flag = '--homes',
): Promise<HomesTable> {
  const isInline = written.trimStart().startsWith('{');
  const text = isInline
    ? written
    : await readTextFile(resolve(cwd, written)).catch((error: Error) => {
        throw refused(`cannot read ${written}: ${error.message}`);
      });
  const table = parse();
  try {
    readHomesTable(table);
  } catch (error) {
    throw refused((error as Error).message);
  }
  return table as HomesTable;

  function parse(): unknown {
    try {
      return JSON.parse(text.replace(/^\uFEFF/, '')); // editors of Windows begin a file with this mark
    } catch (error) {
      throw refused(`${isInline ? 'the table' : written} is not JSON: ${(error as Error).message}`);
    }
  }

  function refused(why: string) {
    return invalidOption(`${flag}: ${why}`, 'write the table again: openclaw-rl homes > homes.json');
  }
}
