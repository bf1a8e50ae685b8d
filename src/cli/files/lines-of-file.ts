import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

/** The lines of a file, unpacked if its name ends in .gz. Throws what the file or the archive fails with. */
export async function* linesOfFile(
  path: string,
  options: { readonly end?: number } = {},
): AsyncGenerator<string> {
  const file = createReadStream(path, options);
  const source = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => source.destroy(error)); // a pipe does not pass errors on
  try {
    yield* createInterface({ input: source });
  } finally {
    file.destroy();
  }
}
