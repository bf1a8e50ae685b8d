import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { compileOverride } from '../../src/regions/local/node-clock.ts';
import { findServer } from '../../src/regions/local/server-binary.ts';
import { startRedisServer } from './redis-server.ts';

/** A real server whose clock the test can step, by the preloaded `src/native/clock-override.c`. */
export interface SteppableServer {
  readonly client: Redis;
  readonly url: string;
  readonly port: number;
  /** From now on the server's clock is the machine's plus this. */
  setClockOffsetUs(offsetUs: number): void;
  stop(): Promise<void>;
}

/** Starts redis-server or valkey-server with the override, which is compiled here: a C compiler is needed. */
export async function startSteppableServer(
  command: string,
  config: readonly string[] = [],
): Promise<SteppableServer> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const library = join(folder, 'clock-override.so');
  await compileOverride(library);
  const offsetFile = join(folder, 'offset');
  const file = openSync(offsetFile, 'w+');
  const value = Buffer.alloc(8);
  const setClockOffsetUs = (offsetUs: number) => {
    value.writeBigInt64LE(BigInt(offsetUs));
    writeSync(file, value, 0, 8, 0);
  };
  setClockOffsetUs(0);
  const server = await startRedisServer({
    binary: await findServer(command),
    folder,
    config,
    env: { PATH: process.env.PATH ?? '', LD_PRELOAD: library, CLOCK_OFFSET_FILE: offsetFile },
  });
  const client = new Redis({ host: server.host, port: server.port });
  client.on('error', () => {});
  return {
    client,
    url: server.url,
    port: server.port,
    setClockOffsetUs,
    async stop() {
      client.disconnect();
      await server.process.stop();
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}
