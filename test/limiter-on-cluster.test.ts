import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter } from '../src/limiter/create.ts';
import type { Limiter } from '../src/limiter/limiter.ts';
import { startTestCluster } from './support/cluster.ts';
import { type RedisProxy, startRedisProxy } from './support/redis-proxy.ts';
import { SERVERS, type TestServer } from './support/server.ts';

const subject = (user: string) => ({ user, endpoint: 'ratings' });

describe.each(SERVERS)('the central limiter on a cluster of %s', (command) => {
  let nodes: TestServer[] = [];
  let first: TestServer;
  let second: TestServer;
  const proxies: RedisProxy[] = [];
  const limiters: Limiter[] = [];
  beforeAll(async () => {
    nodes = await startTestCluster(command, 2);
    [first, second] = nodes as [TestServer, TestServer];
  });
  afterEach(async () => {
    for (const limiter of limiters.splice(0)) await limiter.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
    for (const { client, port } of nodes) await client.config('SET', 'cluster-announce-port', port);
    for (const { client } of nodes) await client.flushall();
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  /** From now on clients that follow the cluster's view come by proxies. */
  async function announceProxies(): Promise<void> {
    for (const node of nodes) {
      const proxy = await startRedisProxy(node.port);
      proxies.push(proxy);
      await node.client.config('SET', 'cluster-announce-port', proxy.port);
    }
    const announced = async ({ client }: TestServer) => {
      const view = String(await client.cluster('NODES'));
      return proxies.every(({ port }) => view.includes(`:${port}@`));
    };
    await expect.poll(() => Promise.all(nodes.map(announced)), { timeout: 10_000 }).toEqual([true, true]);
  }

  function limit(urls: string[]): Limiter {
    const limiter = createLimiter({
      policy: '20:1/d',
      redis: { urls, cluster: true, commandTimeoutMs: 700 },
    });
    limiters.push(limiter);
    return limiter;
  }

  it('decides on the node that holds the slot, and names it', async () => {
    const limiter = limit([first.url]);
    for (let i = 0; i < 40; i++) {
      const { evidence, remainingTokens } = await limiter.take(subject(`u${i}`));
      const holder = nodes.find(({ port }) => evidence.node === `127.0.0.1:${port}`);
      expect(remainingTokens).toBe(19);
      expect(await holder?.client.exists(`rate:openclaw:u${i}:ratings`)).toBe(1);
    }
    expect(await first.client.dbsize()).toBeGreaterThan(5);
    expect(await second.client.dbsize()).toBeGreaterThan(5);
  });

  it('keeps braces of a user from moving the key to a slot of its choice', async () => {
    const slots = await Promise.all(
      ['{a}1', '{a}2', '{a}3', '{a}4'].map(async (user) => {
        const { evidence } = await limit([first.url]).take(subject(user));
        return evidence.node;
      }),
    );
    const keys = (await Promise.all(nodes.map(({ client }) => client.keys('*')))).flat();
    const found = await Promise.all(keys.map((key) => first.client.cluster('KEYSLOT', key)));
    expect(slots).toHaveLength(4);
    expect(new Set(found).size).toBe(4);
  });

  it('decides batches, each slot in a call of its own', async () => {
    const limiter = createLimiter({
      policy: '3:1/d',
      batch: true,
      redis: { urls: [first.url], cluster: true },
    });
    limiters.push(limiter);
    const users = Array.from({ length: 200 }, (_, i) => subject(`u${i % 50}`));
    const decisions = await Promise.all(users.map((user) => limiter.take(user)));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(150);
    for (const { client } of nodes) expect(await client.dbsize()).toBeGreaterThan(5);
  });

  it('follows a slot that has moved, and charges once', async () => {
    const limiter = limit([first.url]);
    await limiter.take(subject('mover'));
    const slot = Number(await first.client.cluster('KEYSLOT', 'rate:openclaw:mover:ratings'));
    const [source, target] = (await first.client.exists('rate:openclaw:mover:ratings').catch(() => 0))
      ? [first, second]
      : [second, first];
    const [sourceId, targetId] = await Promise.all([
      source.client.cluster('MYID'),
      target.client.cluster('MYID'),
    ]);
    const move = async (from: TestServer, to: TestServer, [fromId, toId]: [string, string]) => {
      await to.client.cluster('SETSLOT', slot, 'IMPORTING', fromId);
      await from.client.cluster('SETSLOT', slot, 'MIGRATING', toId);
      await from.client.call('MIGRATE', '127.0.0.1', to.port, 'rate:openclaw:mover:ratings', 0, 1_000);
      for (const { client } of [to, from]) await client.cluster('SETSLOT', slot, 'NODE', toId);
    };
    await move(source, target, [sourceId, targetId]);
    const { evidence, remainingTokens } = await limiter.take(subject('mover'));
    expect(evidence.node).toBe(`127.0.0.1:${target.port}`);
    expect(remainingTokens).toBe(18);
    await move(target, source, [targetId, sourceId]);
  });

  it('turns a slot that nobody serves into a definite refusal at once', async () => {
    const limiter = limit([first.url]);
    await limiter.take(subject('orphan'));
    const slot = Number(await first.client.cluster('KEYSLOT', 'rate:openclaw:orphan:ratings'));
    const owner = slot < 8_192 ? first : second;
    await owner.client.cluster('DELSLOTS', slot);
    await expect(limiter.take(subject('orphan'))).rejects.toMatchObject({
      code: 'REDIS_CLUSTER_DOWN',
      charge: 'none',
    });
    await owner.client.cluster('ADDSLOTS', slot);
    await expect.poll(() => owner.client.cluster('INFO'), { timeout: 10_000 }).toContain('cluster_state:ok');
  });

  it.each(['cut-before-reply', 'swallow-replies'] as const)(
    'says that a charge is possible, and sends nothing twice: %s',
    async (mode) => {
      await announceProxies();
      const limiter = limit(proxies.map(({ port }) => `redis://127.0.0.1:${port}`));
      await limiter.take(subject('ada'));
      for (const proxy of proxies) proxy.mode = mode;
      await expect(limiter.take(subject('ada'))).rejects.toMatchObject({
        code: mode === 'cut-before-reply' ? 'REPLY_LOST' : 'REPLY_TIMEOUT',
        charge: 'possible',
      });
      for (const proxy of proxies) {
        proxy.cut();
        proxy.mode = 'pass';
      }
      await expect
        .poll(
          () =>
            limiter.take(subject('ada')).then(
              ({ remainingTokens }) => remainingTokens,
              () => 'not yet',
            ),
          { timeout: 10_000 },
        )
        .toBe(17);
    },
  );

  it.each(['cut-before-reply', 'swallow-replies'] as const)(
    'gives the first admission to a retry by the same decision id, and charges nothing more: %s',
    async (mode) => {
      await announceProxies();
      const limiter = limit(proxies.map(({ port }) => `redis://127.0.0.1:${port}`));
      await limiter.take(subject('ada'), { decisionId: 'before' }); // a reply of NOSCRIPT would be lost otherwise
      for (const proxy of proxies) proxy.mode = mode;
      const lost = { cost: 2, decisionId: 'order-7' };
      await expect(limiter.take(subject('ada'), lost)).rejects.toMatchObject({ charge: 'possible' });
      for (const proxy of proxies) {
        proxy.cut();
        proxy.mode = 'pass';
      }
      const retry = () => limiter.take(subject('ada'), lost).catch(() => undefined);
      await expect
        .poll(retry, { timeout: 10_000 })
        .toMatchObject({ allowed: true, isRemembered: true, remainingTokens: 17 });
      expect((await limiter.peek(subject('ada'))).remainingTokens).toBe(17);
    },
  );

  it('says that no charge was made when no node can be reached', async () => {
    const limiter = limit(['redis://127.0.0.1:1']);
    await expect(limiter.take(subject('ada'))).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      charge: 'none',
    });
  });
});
