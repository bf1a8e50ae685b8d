import { afterEach, describe, expect, it } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { RedisConnection } from '../../src/limiter/redis/connection.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';
import { storedBucket } from '../support/stored-bucket.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const KEY = 'rate:openclaw:ada:ratings';

const opened: { close?(): Promise<void>; stop?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await (thing.close?.() ?? thing.stop?.());
});

async function start(command: string, config: readonly string[] = []): Promise<TestServer> {
  const server = await startTestServer(command, config);
  opened.push(server);
  return server;
}

function limit(redis: RedisConnection): Limiter {
  const limiter = createLimiter({ policy: '20:1/d', redis: { commandTimeoutMs: 10_000, ...redis } });
  opened.push(limiter);
  return limiter;
}

/** Whole tokens that Redis holds for Ada. */
async function tokensIn(client: TestServer['client'], { policy }: Limiter): Promise<number> {
  const [levelQuanta = Number.NaN] = (await storedBucket(client, KEY))?.levelsQuanta ?? [];
  return Math.floor(levelQuanta / policy.quantaPerToken);
}

describe.each(SERVERS)('when %s cannot decide, the limiter', (command) => {
  it('says that a server without cluster mode takes no cluster: true', async () => {
    const { url } = await start(command);
    await expect(
      limit({ urls: [url], cluster: true, commandTimeoutMs: 3_000 }).take(ada),
    ).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      charge: 'none',
      hint: expect.stringMatching(/^this server is not in cluster mode: leave out cluster: true/),
    });
  });

  it('says that no charge was made: a read-only replica', async () => {
    const primary = await start(command, ['--repl-diskless-sync-delay', '0']);
    const replica = await start(command, ['--replicaof', '127.0.0.1', String(primary.port)]);
    const limiter = limit({ urls: [replica.url] });
    await expect
      .poll(async () => (await replica.client.info('replication')).includes('master_link_status:up'), {
        timeout: 15_000,
      })
      .toBe(true);
    await expect(limiter.take(ada)).rejects.toMatchObject({ code: 'REDIS_READ_ONLY', charge: 'none' });
    expect(await limiter.peek(ada)).toMatchObject({ remainingTokens: 20 }); // reading is what a replica is for
    expect(await primary.client.exists(KEY)).toBe(0);
  });

  it('answers from its local share, and asks again: Redis is back', async () => {
    const { port } = await start(command);
    const proxy = await startRedisProxy(port);
    opened.push(proxy);
    const redis = { urls: [`redis://127.0.0.1:${proxy.port}`], commandTimeoutMs: 1_000 };
    const limiter = createLimiter({ policy: '20:1/d', redis, onFailure: { localShare: 5 } });
    opened.push(limiter);
    await limiter.ready();
    const sourceOf = async () => (await limiter.take(ada)).evidence.source;
    expect(await sourceOf()).toBe('redis');
    proxy.mode = 'cut-before-reply';
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await limiter.take(ada));
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, true, false, false]);
    expect(new Set(answers.map(({ evidence }) => evidence.source))).toEqual(new Set(['fallback']));
    expect(answers[0]).toMatchObject({ undecided: 'REPLY_LOST', remainingTokens: 3 });
    proxy.mode = 'pass';
    await expect.poll(sourceOf, { timeout: 5_000 }).toBe('redis');
  });

  it('says that no charge was made: out of memory', async () => {
    const { url, client } = await start(command);
    const limiter = limit({ urls: [url] });
    await limiter.take(ada);
    const before = await client.dump(KEY);
    await client.config('SET', 'maxmemory', '1');
    await expect(limiter.take(ada)).rejects.toMatchObject({ code: 'REDIS_OUT_OF_MEMORY', charge: 'none' });
    expect(await client.dump(KEY)).toBe(before);
  });

  it("says that no charge was made: the key is another program's", async () => {
    const { url, client } = await start(command);
    await client.set(KEY, 'theirs');
    await expect(limit({ urls: [url] }).take(ada)).rejects.toMatchObject({
      code: 'REDIS_WRONG_TYPE',
      charge: 'none',
    });
    expect(await client.get(KEY)).toBe('theirs');
  });

  it('leaves every take of a lost batch uncertain, and sends none twice', async () => {
    const { port, client } = await start(command);
    const proxy = await startRedisProxy(port);
    opened.push(proxy);
    const limiter = createLimiter({
      policy: '20:1/d',
      batch: true,
      redis: { urls: [`redis://127.0.0.1:${proxy.port}`], commandTimeoutMs: 10_000 },
    });
    opened.push(limiter);
    await limiter.take(ada);
    proxy.mode = 'cut-before-reply';
    const lost = await Promise.allSettled([1, 2, 3].map((cost) => limiter.take(ada, { cost })));
    for (const take of lost)
      expect(take).toMatchObject({ status: 'rejected', reason: { code: 'REPLY_LOST', charge: 'possible' } });
    expect(await tokensIn(client, limiter)).toBe(13);
  });
});

describe('an address', () => {
  it.each(['', 'localhost', 'http://127.0.0.1', 'redis://', 'redis://h:1/x', 'redis://:pw@h:99999'])(
    'like %j is refused without showing it',
    (url) => {
      expect(() => createLimiter({ policy: '1:1/s', redis: { urls: [url] } })).toThrow(
        /redis\[s\]:\/\/\[user:password@\]/,
      );
    },
  );
  it('is needed, and is one without cluster', () => {
    expect(() => createLimiter({ policy: '1:1/s', redis: { urls: [] } })).toThrow(/redis\[s\]/);
    expect(() => createLimiter({ policy: '1:1/s', redis: { urls: ['redis://a', 'redis://b'] } })).toThrow(
      /cluster: true/,
    );
  });
});
