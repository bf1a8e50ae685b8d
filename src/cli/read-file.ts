import { readFile, stat } from 'node:fs/promises';

/** Far above what anybody writes by hand; a device that never ends is no file. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * The text of a file that was named on a command line. Throws an Error whose message says why it cannot be read: a pipe
 * that nobody writes to would keep the program from ever ending.
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
