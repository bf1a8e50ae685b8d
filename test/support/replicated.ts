import { vi } from 'vitest';
import { type RedisProxy, startRedisProxy } from './redis-proxy.ts';
import { startTestServer, type TestServer } from './server.ts';

export interface Replicated {
  readonly primary: TestServer;
  readonly replica: TestServer;
  /** Between the two: what it holds back, the replica neither gets nor acknowledges. */
  readonly link: RedisProxy;
  readonly stop: () => Promise<void>;
}

/** A primary and its replica, in step. */
export async function startReplicated(command: string): Promise<Replicated> {
  const primary = await startTestServer(command, ['--repl-diskless-sync-delay', '0']);
  const link = await startRedisProxy(primary.port);
  const replica = await startTestServer(command, ['--replicaof', '127.0.0.1', String(link.port)]);
  const isLinked = async () => (await replica.client.info('replication')).includes('master_link_status:up');
  await vi.waitUntil(isLinked, { timeout: 30_000 });
  return {
    ...{ primary, replica, link },
    async stop() {
      await Promise.all([primary.stop(), replica.stop()]);
      await link.close();
    },
  };
}
