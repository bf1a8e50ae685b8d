import { execFile } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environmentFailed } from '../../core/errors.ts';

const SOURCE = fileURLToPath(new URL('../../../src/native/clock-override.c', import.meta.url));
const COMPILE_MS = 60_000;
const LIBRARY = 'clock-override.so';

/** Compiles the clock override of a cluster, before its first node starts. Throws ENVIRONMENT_FAILED. */
export async function compileClockOverride(cluster: string): Promise<void> {
  await mkdir(join(cluster, 'clocks'), { recursive: true });
  await compileOverride(join(cluster, LIBRARY));
}

/**
 * The environment that preloads the override into a node's server. Both paths are relative to the node's folder, its
 * working directory, because the loader splits paths at blanks and colons.
 */
export async function clockEnvironment(cluster: string, node: string): Promise<Record<string, string>> {
  const file = offsetFile(cluster, node);
  await writeOffsetUs(file, await readOffsetUs(file)); // an empty file cannot be mapped
  return { LD_PRELOAD: `../../${LIBRARY}`, CLOCK_OFFSET_FILE: `../../clocks/${node}` };
}

/** Steps a node's clock relative to earlier steps. */
export async function stepNodeClock(cluster: string, node: string, byMs: number): Promise<void> {
  const file = offsetFile(cluster, node);
  await writeOffsetUs(file, (await readOffsetUs(file)) + byMs * 1_000);
}

/** Sets a node's clock to the clock of the machine. */
export async function resetNodeClock(cluster: string, node: string): Promise<void> {
  await writeOffsetUs(offsetFile(cluster, node), 0);
}

function offsetFile(cluster: string, node: string): string {
  return join(cluster, 'clocks', node);
}

/** Compiles the preload library that steps a server's clock. Throws ENVIRONMENT_FAILED. */
export async function compileOverride(library: string): Promise<void> {
  const args = ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl'];
  await promisify(execFile)('cc', args, { timeout: COMPILE_MS }).catch((error: NodeJS.ErrnoException) => {
    throw environmentFailed(
      error.code === 'ENOENT'
        ? 'stepping the clock of a node needs a C compiler; cc was not found'
        : `cc cannot compile the clock override: ${error.message}`,
      'apt-get install gcc libc6-dev',
      error,
    );
  });
}

/** Offset of the server's clock in microseconds; 0 for a new file. */
async function readOffsetUs(file: string): Promise<number> {
  return withFile(file, async (handle) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 ? Number(buffer.readBigInt64LE()) : 0;
  });
}

/** Writes in place: the server has the file mapped and reads it at its next clock reading. */
async function writeOffsetUs(file: string, offsetUs: number): Promise<void> {
  const value = Buffer.alloc(8);
  value.writeBigInt64LE(BigInt(Math.round(offsetUs)));
  await withFile(file, async (handle) => {
    await handle.write(value, 0, 8, 0);
  });
}

type Handle = Awaited<ReturnType<typeof open>>;

async function withFile<T>(file: string, use: (handle: Handle) => Promise<T>): Promise<T> {
  const handle = await open(file, 'a+').then(async (made) => {
    await made.close(); // creates the file; append mode would ignore positions
    return open(file, 'r+');
  });
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
