import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OpenclawError } from '../../core/errors.ts';

const SOURCE = fileURLToPath(new URL('../../../native/clock-override.c', import.meta.url));
const COMPILE_MS = 60_000;

/** Compiles the library that steps the clock of a server it is preloaded into. Throws ENVIRONMENT_FAILED. */
export async function compileOverride(library: string): Promise<void> {
  const args = ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl'];
  await promisify(execFile)('cc', args, { timeout: COMPILE_MS }).catch((error: NodeJS.ErrnoException) => {
    throw new OpenclawError(
      'ENVIRONMENT_FAILED',
      error.code === 'ENOENT'
        ? 'stepping the clock of a node needs a C compiler; cc was not found'
        : `cc cannot compile the clock override: ${error.message}`,
      { cause: error, hint: 'apt-get install gcc libc6-dev' },
    );
  });
}

/** Microseconds that the server's clock is ahead; 0 where the file is new. */
export async function readOffsetUs(file: string): Promise<number> {
  return withFile(file, async (handle) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 ? Number(buffer.readBigInt64LE()) : 0;
  });
}

/** Written in place: the server has the file mapped, and reads it at its next look at the clock. */
export async function writeOffsetUs(file: string, offsetUs: number): Promise<void> {
  const value = Buffer.alloc(8);
  value.writeBigInt64LE(BigInt(Math.round(offsetUs)));
  await withFile(file, async (handle) => {
    await handle.write(value, 0, 8, 0);
  });
}

type Handle = Awaited<ReturnType<typeof open>>;

async function withFile<T>(file: string, use: (handle: Handle) => Promise<T>): Promise<T> {
  const handle = await open(file, 'a+').then(async (made) => {
    await made.close(); // now it exists; in append mode a position would not count
    return open(file, 'r+');
  });
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
