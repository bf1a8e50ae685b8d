import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { until } from './until.ts';

const PATIENCE_MS = 5_000;

/**
 * Does something to a folder while no other program does. The lock is a name among Linux' abstract sockets: the
 * kernel takes it back however its holder ends, so it is never stale. To be held for a few file operations only.
 * Throws ENVIRONMENT_FAILED when another program keeps it for 5 s.
 */
export async function exclusively<T>(folder: string, act: () => Promise<T>): Promise<T> {
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
  await until(`another program to be done with ${folder}`, PATIENCE_MS, NEVER, async () => {
    lock = await tryListen(name);
    return lock === undefined ? 'it still works on it' : undefined;
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
