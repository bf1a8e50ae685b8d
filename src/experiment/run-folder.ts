import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { makeFolders } from '../regions/make-folders.ts';

/** Makes `<reports>/<utc>-<name>` for one run. Throws ENVIRONMENT_FAILED, or INVALID_OPTION where it is no folder. */
export async function makeRunFolder(reports: string, startedAt: Date, name: string): Promise<string> {
  const utc = startedAt.toISOString().replace(/[-:]/g, '').replace('.', '');
  const folder = join(reports, `${utc}-${name}`);
  try {
    await makeFolders(reports);
    await mkdir(folder);
    return folder;
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw new OpenclawError('INVALID_OPTION', `--reports: ${reports} is not a folder`, { cause: error });
    throw cannotWrite(reports, error);
  }
}

/** Writes one file of a run whole or not at all. */
export async function writeRunFile(folder: string, name: string, text: string): Promise<void> {
  const unfinished = join(folder, `.${name}.unfinished`);
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, join(folder, name));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** What became of a write into the folder of a run, with the way out. */
export function cannotWrite(folder: string, error: unknown): OpenclawError {
  const why = error instanceof Error ? error.message : String(error);
  return new OpenclawError('ENVIRONMENT_FAILED', `cannot write to ${folder}: ${why}`, {
    cause: error,
    hint: 'make room, or choose another folder with --reports',
  });
}

/** Makes a run that has its report `latest` beside it. Throws ENVIRONMENT_FAILED. */
export async function pointLatestAt(folder: string): Promise<void> {
  const unfinished = join(dirname(folder), `.latest-${basename(folder)}`);
  try {
    await rm(unfinished, { force: true });
    await symlink(basename(folder), unfinished);
    await rename(unfinished, join(dirname(folder), 'latest'));
  } catch (error) {
    throw cannotWrite(dirname(folder), error);
  }
}
