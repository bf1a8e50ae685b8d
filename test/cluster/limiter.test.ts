import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { startTestCluster } from '../support/cluster.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

const subject = (user: string) => ({ user, endpoint: 'ratings' });

describe.each(SERVERS)('the central limiter on a cluster of %s', (command) => {
  let nodes: TestServer[] = [];
  let first: TestServer;
  let second: TestServer;
  const limiters: Limiter[] = [];
  beforeAll(async () => {
    nodes = await startTestCluster(command, 2);
    [first, second] = nodes as [TestServer, TestServer];
  });
  afterEach(async () => {
    for (const limiter of limiters.splice(0)) await limiter.close();
    for (const { client } of nodes) await client.flushall();
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  function limit(urls: string[]): Limiter {
    const limiter = createLimiter({
      policy: '20:1/d',
      redis: { urls, cluster: true, commandTimeoutMs: 10_000 },
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
      redis: { urls: [first.url], cluster: true, commandTimeoutMs: 10_000 },
    });
    limiters.push(limiter);
    const users = Array.from({ length: 200 }, (_, i) => subject(`u${i % 50}`));
    const decisions = await Promise.all(users.map((user) => limiter.take(user)));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(150);
    for (const { client } of nodes) expect(await client.dbsize()).toBeGreaterThan(5);
  });
});
