import { realpath, rename, rm, stat } from 'node:fs/promises';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';

/** The unfinished file beside a file that this process writes. */
function unfinishedOf(path: string): string {
  return `${path}.${process.pid}.part`;
}

/**
 * Writes a file atomically: `write` gets the path to write to. A device or a pipe is written directly. `hint` is for a
 * path that cannot be written. Throws ENVIRONMENT_FAILED and INTERRUPTED.
 */
export async function placeFile(
  path: string,
  { signal, hint }: { readonly signal: AbortSignal; readonly hint: string },
  write: (path: string) => Promise<void>,
): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const target = found === undefined ? path : await realpath(path);
  const isFile = found?.isFile() ?? true;
  try {
    await write(isFile ? unfinishedOf(target) : path);
    if (isFile) await rename(unfinishedOf(target), target);
  } catch (error) {
    await rm(unfinishedOf(target), { force: true });
    if (signal.aborted)
      throw new OpenclawError('INTERRUPTED', `interrupted: ${printable(path)} was not written`);
    const why = error instanceof Error ? error.message : String(error);
    throw environmentFailed(`cannot write ${printable(path)}: ${why}`, hint, error);
  }
}

/** Removes what a thread of this process left when it was ended while it wrote `path`. */
export async function dropUnfinished(path: string): Promise<void> {
  await rm(unfinishedOf(path), { force: true });
}
