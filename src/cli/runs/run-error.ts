import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { ERROR_FILE, makeRunError } from '../../report/run-error.ts';
import { historyFilesOf } from '../files/history-files.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';

/**
 * Writes into the folder of a run why it has no report, and logs what else is there. At once, since the process may be
 * about to end. Without an error of its own: the original one matters more.
 */
export function keepError(
  error: unknown,
  { command, folder }: { readonly command: string; readonly folder: string },
  { log }: Pick<Environment, 'log'>,
): void {
  const message = printable(error instanceof Error ? error.message : String(error));
  const known = error instanceof OpenclawError ? error : { code: 'BUG', hint: 'report it' };
  const kept = makeRunError({ code: known.code, message, hint: known.hint, command });
  try {
    const unfinished = join(folder, `.${ERROR_FILE}.unfinished`);
    writeFileSync(unfinished, jsonText(kept));
    renameSync(unfinished, join(folder, ERROR_FILE));
    log(`the run has no report; ${contentsOf(folder)} in ${printable(folder)}\n`);
  } catch {} // a full disk
}

function contentsOf(folder: string): string {
  const found = [
    ...(historyFilesOf(folder).some((file) => statSync(file).size > 0) ? ['its records'] : []),
    ...(existsSync(join(folder, 'logs')) ? ['its logs'] : []),
  ];
  return found.length === 0 ? 'its error is' : `${found.join(' and ')} are`;
}
