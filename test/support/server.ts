import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServer } from '../../src/regions/local/server-binary.ts';
import { type RedisServer, startRedisServer } from './redis-server.ts';

/** A real server of the test's own, with a client to look into it. */
export interface TestServer extends RedisServer {
  readonly client: Redis;
  stop(): Promise<void>;
}

type Product = 'redis-server' | 'valkey-server';

/**
 * What tests run on: in CI both products, since all must behave the same on each; elsewhere the first alone, so that the
 * suite stays short. OPENCLAW_RL_SERVERS=all asks for both, as .ci/run does.
 */
export const SERVERS: readonly [Product, ...Product[]] =
  process.env.OPENCLAW_RL_SERVERS === 'all' ? ['redis-server', 'valkey-server'] : ['redis-server'];

export async function startTestServer(
  command: string,
  config: readonly string[] = [],
  password?: string,
): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  const server = await startRedisServer({ binary: await findServer(command), folder, config });
  const client = new Redis({
    host: server.host,
    port: server.port,
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', () => {});
  return {
    ...server,
    client,
    async stop() {
      client.disconnect();
      await server.process.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
