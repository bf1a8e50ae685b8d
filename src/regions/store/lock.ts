import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { waitFor } from '../waiting.ts';

const PATIENCE_MS = 5_000;

/**
 * Calls `act` while holding the lock of a folder. The lock is a Linux abstract socket: the kernel releases it when its
 * holder ends, so it is never stale. Hold it for a few file operations only.
 * Throws ENVIRONMENT_FAILED if another program holds it for 5 s.
 */
export async function withLock<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const lock = await takeLock(folder);
  try {
    return await act();
  } finally {
    lock.close();
  }
}

async function takeLock(folder: string): Promise<Server> {
  const name = `\0openclaw-rl-${createHash('sha256').update(folder).digest('hex')}`;
  let lock: Server | undefined;
  await waitFor(`the lock on ${folder}`, PATIENCE_MS, NEVER, async () => {
    lock = await tryListen(name);
    return lock === undefined ? 'another program holds it' : undefined;
  });
  return lock as Server;
}

const NEVER = new AbortController().signal;

async function tryListen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server));
  });
}
