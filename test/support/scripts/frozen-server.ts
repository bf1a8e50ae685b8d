import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { findServer } from '../../../src/regions/local/server-binary.ts';
import { startRedisServer } from '../redis-server.ts';

/** A real server whose clock stands still where the test sets it, and which deletes keys only when it is asked for them. */
export interface FrozenServer {
  readonly client: Redis;
  setClockUs(clockUs: number): void;
  stop(): Promise<void>;
}

/** Starts redis-server or valkey-server with the library of frozen-clock.c: a C compiler is needed. */
export async function startFrozenServer(command: string): Promise<FrozenServer> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const library = join(folder, 'frozen-clock.so');
  const source = join(import.meta.dirname, 'frozen-clock.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl']);
  const path = join(folder, 'clock');
  const file = openSync(path, 'w+');
  const value = Buffer.alloc(8);
  const setClockUs = (clockUs: number) => {
    value.writeBigInt64LE(BigInt(clockUs));
    writeSync(file, value, 0, 8, 0);
  };
  setClockUs(0);
  const server = await startRedisServer({
    binary: await findServer(command),
    folder,
    // The thread of jemalloc would wait for a time of day that never comes, without a pause.
    config: ['--enable-debug-command', 'local', '--jemalloc-bg-thread', 'no'],
    env: { PATH: process.env.PATH ?? '', LD_PRELOAD: library, FROZEN_CLOCK_FILE: path },
  });
  const client = new Redis({ host: server.host, port: server.port });
  client.on('error', () => {});
  await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  return {
    client,
    setClockUs,
    async stop() {
      client.disconnect();
      await server.process.stop();
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}
