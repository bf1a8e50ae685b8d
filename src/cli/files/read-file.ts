import { readFile, stat } from 'node:fs/promises';

/** Far above any hand-written file; endless devices are refused as well. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * The text of a file from the command line. Throws an Error with the reason if it cannot be read. Pipes are refused: one
 * without a writer would block for ever.
 */
export async function readTextFile(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(WHY[error.code ?? ''] ?? error.message, { cause: error });
  });
  if (found.isDirectory()) throw new Error('it is a folder');
  if (!found.isFile()) throw new Error('it is not a regular file');
  if (found.size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES / 2 ** 20} MiB`);
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(WHY[error.code ?? ''] ?? error.message, { cause: error });
  });
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
};
