import { mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { environmentFailed, OpenclawError } from '../core/errors.ts';
import { makeFolders } from '../regions/store/make-folders.ts';
import { noteWriter } from './run-writer.ts';

/**
 * Makes `<reports>/<utc>-<name>` for one run that this program writes, as accessible as `reports`. Throws
 * ENVIRONMENT_FAILED, INVALID_OPTION if `reports` is no folder.
 */
export async function makeRunFolder(reports: string, startedAt: Date, name: string): Promise<string> {
  const utc = startedAt.toISOString().replace(/[-:]/g, '').replace('.', '');
  const folder = join(reports, `${utc}-${name}`);
  try {
    await makeFolders(reports);
    await mkdir(folder, { mode: (await stat(reports)).mode & 0o777 });
    await noteWriter(folder); // before any other file: what has one of them and no writer is not being written
    return folder;
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw new OpenclawError('INVALID_OPTION', `--reports: ${reports} is not a folder`, { cause: error });
    throw cannotWrite(reports, error);
  }
}

/** Writes one file of a run atomically. Throws ENVIRONMENT_FAILED. */
export async function writeRunFile(folder: string, name: string, text: string): Promise<void> {
  const unfinished = join(folder, `.${name}.unfinished`);
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, join(folder, name));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

const FULL = ['ENOSPC', 'EDQUOT'];

/** The error of a write into the folder of a run, with a hint. */
export function cannotWrite(folder: string, error: unknown): OpenclawError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const why = error instanceof Error ? error.message : String(error);
  const other = 'choose another folder with --reports';
  const hint = FULL.includes(code)
    ? `free disk space, or ${other}`
    : `${other}, in which this user may write`;
  return environmentFailed(`cannot write to ${folder}: ${why}`, hint, error);
}

/** Points the link `latest`, next to the run's folder, at it. Throws ENVIRONMENT_FAILED. */
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
