import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createSentinel } from 'redis';
import { createSentinel as createSentinel5 } from 'redis-5';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import { fromIoredis, type IoredisClient } from '../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis, type NodeRedisClient } from '../../src/limiter/redis/node-redis/open.ts';
import type { RedisSource } from '../../src/limiter/redis/port.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const HOST = '127.0.0.1';

describe('a client that is handed in', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer('redis-server', ['--requirepass', 'pw'], 'pw');
  });
  afterAll(() => server.stop());

  /** A take by its database and password, then a close; the key is where the client itself would look. */
  async function takeAndClose(redis: RedisSource, prefix: string): Promise<void> {
    const limiter = createLimiter({ policy: '20:1/d', redis, prefix, batch: true });
    const { allowed, evidence } = await limiter.take(ada);
    expect([allowed, evidence.node]).toEqual([true, `${HOST}:${server.port}`]);
    await limiter.close();
  }

  it('of node-redis stays open and as it was, and lends its database', async () => {
    const client = createClient({ url: `redis://:pw@${HOST}:${server.port}/3` });
    await client.connect();
    await takeAndClose(fromNodeRedis(client), 'n');
    expect(await client.exists('n:ada:ratings')).toBe(1);
    expect(client.options?.disableOfflineQueue).toBeUndefined();
    client.destroy();
    await takeAndClose(fromNodeRedis(client), 'closed'); // nor does it matter whether it is open
  });

  it('of ioredis stays open and as it was, and lends its database', async () => {
    const client = new Redis({ host: HOST, port: server.port, password: 'pw', db: 3, keyPrefix: 'mine:' });
    await takeAndClose(fromIoredis(client), 'i');
    const found = await client.eval("return redis.call('EXISTS', ARGV[1])", 0, 'i:ada:ratings');
    expect(found).toBe(1); // without the client's key prefix
    expect([client.status, client.options.maxRetriesPerRequest]).toEqual(['ready', 20]);
    client.disconnect();
  });

  it('may be of an older ioredis than ours', async () => {
    const from = createRequire(join(ROOT, 'node_modules/redis-gcra/package.json'));
    expect(from('ioredis/package.json').version).toMatch(/^4\./);
    const client = new (from('ioredis'))({
      host: HOST,
      port: server.port,
      password: 'pw',
      lazyConnect: true,
    });
    await takeAndClose(fromIoredis(client), 'old');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a pool', createClientPool()],
    ['a client of ioredis', new Redis({ lazyConnect: true })],
    ['a client of version 4', { duplicate() {}, isOpen: false, isReady: false, options: {} }],
  ])('is refused by fromNodeRedis where it is %s', (_, client) => {
    const refusal = expect.objectContaining({
      code: 'INVALID_OPTION',
      hint: expect.stringContaining('createClient, createCluster or createSentinel'),
    });
    expect(() => fromNodeRedis(client as NodeRedisClient)).toThrow(refusal);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a client of node-redis', createClient()],
  ])('is refused by fromIoredis where it is %s', (_, client) => {
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION' });
    expect(() => fromIoredis(client as IoredisClient)).toThrow(refusal);
  });

  it('is refused where it is a Sentinel client of node-redis 5, or of node-redis and must wait for replicas', () => {
    const behind = { name: 'm', sentinelRootNodes: [{ host: HOST, port: 1 }] };
    const older = createSentinel5(behind) as unknown as NodeRedisClient;
    expect(() => fromNodeRedis(older)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', hint: expect.stringContaining('use redis 6') }),
    );
    expect(() => fromNodeRedis(createSentinel(behind)).openAcked({ replicas: 1 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('wait for replicas'),
      }),
    );
  });

  it('has a time limit that is checked', () => {
    const refusal = expect.objectContaining({ code: 'INVALID_OPTION' });
    expect(() => fromNodeRedis(createClient(), { commandTimeoutMs: 0 })).toThrow(refusal);
    const cluster = new Cluster([{ host: HOST, port: 1 }], { lazyConnect: true });
    expect(() => fromIoredis(cluster, { commandTimeoutMs: 0.5 })).toThrow(refusal);
  });
});
