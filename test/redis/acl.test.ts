import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { fromNodeRedis } from '../../src/limiter/redis/node-redis/open.ts';
import { blocksOn } from '../support/doc-blocks.ts';
import { type Replicated, startReplicated } from '../support/replicated.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'search' };
const LOGIN = { username: 'limiter', password: 'secret', commandTimeoutMs: 5_000 };

const HOMES = {
  ...{ format: 'openclaw-homes', version: 1, regions: { a: { slots: '0-16383' } } },
  regionOf: () => 'a',
};

/** The rights that the page documents. */
const [oneBucket = '', sideBySide = ''] = blocksOn('docs/production.md', 'text')
  .flatMap(({ text }) => text.trim().split('\n'))
  .filter((line) => line.startsWith('ACL SETUSER '));

async function allow({ client }: TestServer, line: string): Promise<void> {
  await client.call('ACL', 'DELUSER', LOGIN.username);
  const [command = '', ...rights] = line.split(' ');
  await client.call(command, ...rights);
}

async function startCluster(command: string): Promise<TestServer> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'n.conf',
    'cluster-announce-ip': '127.0.0.1',
  };
  const server = await startTestServer(
    command,
    Object.entries(config).flatMap(([name, value]) => [`--${name}`, value]),
  );
  await server.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const isOk = async () => /cluster_state:ok/.test(String(await server.client.call('CLUSTER', 'INFO')));
  await vi.waitUntil(isOk, { timeout: 20_000 });
  return server;
}

function open(options: object): Limiter {
  const limiter = createLimiter(options as LimiterOptions);
  onTestFinished(() => limiter.close());
  return limiter;
}

/** Everything that a limiter of one bucket can be asked. */
async function askAll(limiter: Limiter): Promise<void> {
  await limiter.ready();
  await limiter.take(ada);
  await limiter.take(ada, { decisionId: 'x1' });
  await limiter.refund(ada, { cost: 1, decisionId: 'x1' });
  await limiter.peek(ada);
  await limiter.reset(ada);
  expect((await limiter.take(ada)).allowed).toBe(true);
}

describe.each(SERVERS)(
  'a limiter with the rights of docs/production.md on %s',
  { timeout: 60_000 },
  (command) => {
    let [alone, cluster, other]: TestServer[] = [];
    let replicated: Replicated;
    const servers = () => [alone, cluster, other, replicated.primary].filter((each) => each !== undefined);
    beforeAll(async () => {
      replicated = await startReplicated(command);
      [alone, other] = await Promise.all([startTestServer(command), startTestServer(command)]);
      cluster = await startCluster(command);
    }, 60_000);
    afterAll(() => Promise.all([alone?.stop(), cluster?.stop(), other?.stop(), replicated.stop()]));

    const rights = (line: string) => Promise.all(servers().map((server) => allow(server, line)));
    const redisOf = (server: TestServer | undefined, isCluster = false) => ({
      ...LOGIN,
      urls: [server?.url ?? ''],
      cluster: isCluster,
    });

    it.each([
      { title: 'one policy', more: { policy: '20:5/s' } },
      { title: 'in batches', more: { policy: '20:5/s', batch: true } },
      { title: 'several policies', more: { policies: { burst: '20:5/s', daily: '99:9/d' } } },
    ])('decides as central: $title', async ({ more }) => {
      await rights(oneBucket);
      const prefix = 'rate:openclaw';
      await askAll(open({ ...more, redis: redisOf(alone), prefix }));
      await askAll(open({ ...more, redis: redisOf(cluster, true), prefix }));
      await askAll(open({ ...more, redis: redisOf(cluster, true), prefix, homes: HOMES }));
      const { username, password, ...timeout } = LOGIN;
      const client = createClient({ url: alone?.url ?? '', username, password });
      await askAll(open({ ...more, redis: fromNodeRedis(client, timeout), prefix }));
    });

    it('decides as acked, and as lease', async () => {
      await rights(oneBucket);
      const redis = redisOf(replicated.primary);
      await askAll(open({ policy: '20:5/s', strategy: 'acked', replicas: 1, redis }));
      const lease = open({ policy: '20:5/s', strategy: 'lease', replicas: 1, redis });
      await lease.ready();
      expect((await lease.take({ ...ada, user: 'grace' })).allowed).toBe(true);
      await lease.close(); // returns what was lent
    });

    it('decides as active-active, and hears of the other region', async () => {
      await rights(sideBySide);
      const region = (name: string, others: object) => ({ name, others, everyMs: 20 });
      const shared = { policy: '20:1/d', strategy: 'active-active' };
      const left = open({ ...shared, redis: redisOf(alone), region: region('a', { b: redisOf(other) }) });
      const right = open({ ...shared, redis: redisOf(other), region: region('b', { a: redisOf(alone) }) });
      await Promise.all([left.ready(), right.ready()]);
      expect((await left.take(ada)).allowed).toBe(true);
      const level = async () => (await right.peek(ada)).remainingTokens;
      await expect.poll(level, { timeout: 20_000 }).toBe(19);
      expect((await right.take(ada)).evidence.ageUs).toBeGreaterThan(0);
    });

    it('may read no key of others', async () => {
      await rights(oneBucket);
      const { username, password } = LOGIN;
      const client = new Redis(alone?.url ?? '', { username, password });
      onTestFinished(() => client.disconnect());
      await expect(client.get('session:ada')).rejects.toThrow(/NOPERM/);
      await expect(client.keys('*')).rejects.toThrow(/NOPERM/);
    });
  },
);

describe('the rights of docs/production.md', () => {
  const isOfRegions = (file: string) => /active|life|spends/.test(file);
  const folders = ['lua', 'lua/shared'];
  const scripts = folders.flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));

  it.each(scripts.filter((file) => file.endsWith('.lua') && !file.endsWith('article.lua')))(
    'have each command of %s',
    (file) => {
      const calls = [...readFileSync(file, 'utf8').matchAll(/redis\.call\('(\w+)'/g)].map(
        ([, name = '']) => name,
      );
      const line = isOfRegions(file) ? sideBySide : oneBucket;
      for (const name of calls) expect(line.split(' ')).toContain(`+${name.toLowerCase()}`);
    },
  );
});
