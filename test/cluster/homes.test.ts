import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Away } from '../../src/limiter/homes/away.ts';
import type { HomesOptions } from '../../src/limiter/homes/homes.ts';
import { tagOf } from '../../src/limiter/homes/tags.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { keySlot, SLOTS } from '../../src/limiter/redis/hash-slot.ts';
import type { LeaseLimiter } from '../../src/limiter/strategies/lease/lease.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { startTestCluster } from '../support/cluster.ts';
import { homesOf, REGIONS } from '../support/homes.ts';
import { PORTS } from '../support/redis-ports.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

const POLICIES = { burst: '20:1/d', daily: '100:1/d' };

describe.each(SERVERS)('homes on a cluster of %s', { timeout: 60_000 }, (command) => {
  let nodes: TestServer[] = [];
  const limiters: Limiter[] = [];
  beforeAll(async () => {
    nodes = await startTestCluster(command, REGIONS.length);
  });
  afterEach(async () => {
    for (const limiter of limiters.splice(0)) await limiter.close();
    for (const { client } of nodes) await client.flushall();
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  const nameOf = (index: number) => `127.0.0.1:${nodes[index]?.port}`;
  const homes = (more: Partial<HomesOptions> = {}) => ({ ...homesOf((_, i) => [nameOf(i)]), ...more });
  const redis = () => ({ urls: nodes.map(({ url }) => url), cluster: true, commandTimeoutMs: 10_000 });

  function limit(more: object = {}): Limiter {
    const options = { redis: redis(), homes: homes(), ...('policies' in more ? {} : { policy: '20:1/d' }) };
    const limiter = createLimiter({ ...options, ...more } as LimiterOptions);
    limiters.push(limiter);
    return limiter;
  }

  function lease(): LeaseLimiter {
    const limiter = createLease({ policy: '20:1/d', redis: redis(), replicas: 0, homes: homes() });
    limiters.push(limiter);
    return limiter;
  }

  /** Takes of users of each region; each decision must be made where the limiter says that the user's home is. */
  async function takeAtHome(limiter: Limiter): Promise<void> {
    for (const [i, region] of REGIONS.entries())
      for (let user = 0; user < 10; user++) {
        const subject = { user: `${region}.u${user}`, endpoint: 'ratings' };
        const home = limiter.homeOf?.(subject);
        const { evidence, allowed } = await limiter.take(subject);
        expect([home?.region, home?.nodes, allowed, evidence.node]).toEqual([
          region,
          [nameOf(i)],
          true,
          nameOf(i),
        ]);
        expect(await nodes[i]?.client.exists(home?.key ?? '')).toBe(1);
      }
  }

  it('have tags that this server hashes to their slots', async () => {
    const pipeline = nodes[0]?.client.pipeline();
    for (let slot = 0; slot < SLOTS; slot++) pipeline?.cluster('KEYSLOT', `rate:{${tagOf(slot)}}:ada:search`);
    const replies = (await pipeline?.exec()) ?? [];
    expect(replies.map(([, slot]) => slot)).toEqual([...Array(SLOTS).keys()]);
  });

  it.each([
    ['central', {}],
    ['central, in batches', { batch: true }],
    ['several policies', { policies: POLICIES }],
    ['lease-unacked', { strategy: 'lease-unacked' }],
  ])('are where %s decides', (_, more) => takeAtHome(limit(more)));

  it('are where createLease decides, and tryTake goes on there', async () => {
    const limiter = lease();
    await takeAtHome(limiter);
    const subject = { user: `${REGIONS[1]}.u1`, endpoint: 'ratings' };
    await vi.waitUntil(() => limiter.tryTake(subject)?.allowed, { timeout: 20_000 });
    expect((await limiter.peek(subject)).node).toBe(nameOf(1));
  });

  it.each(PORTS)('are where a limiter by $name decides', async ({ cluster }) => {
    const source = cluster(
      nodes.map(({ port }) => port),
      10_000,
    );
    await takeAtHome(limit({ redis: source }));
    await takeAtHome(limit({ redis: source, strategy: 'lease-unacked', prefix: 'lease' }));
  });

  it.each([
    ['one policy', {}],
    ['several', { policies: POLICIES }],
  ])('have every key of a decision in one slot: %s', async (_, more) => {
    const limiter = limit(more);
    for (const user of ['us-east.ada', 'eu-west.{x}y', 'ap-south.a:b%', 'ap-south.ünïcode']) {
      const subject = { user, endpoint: '{e}:1' };
      const home = limiter.homeOf?.(subject);
      await limiter.take(subject, { cost: 2, decisionId: 'a' });
      expect(await limiter.take(subject, { cost: 2, decisionId: 'a' })).toMatchObject({ isRemembered: true });
      await limiter.refund(subject, { decisionId: 'a' });
      const reservation = await limiter.reserve(subject, { cost: 4, decisionId: 'a' });
      await reservation.extend(1);
      await reservation.settle(2);
      expect(await limiter.peek(subject)).toMatchObject({ remainingTokens: 17, node: home?.nodes[0] });
      const keys = (await Promise.all(nodes.map(({ client }) => client.keys('*')))).flat().sort();
      expect(keys).toEqual(
        ['', ':refund:a', ':reserve:a', ':take:a'].map((memory) => `${home?.key}${memory}`).sort(),
      );
      expect([...new Set(keys.map(keySlot))]).toEqual([home?.slot]);
      await limiter.reset(subject);
      expect((await limiter.peek(subject)).remainingTokens).toBe(20);
      for (const { client } of nodes) await client.flushall();
    }
  });

  it('gather the takes of a slot in one call', async () => {
    const limiter = limit({ batch: true });
    const scripts = async () => {
      const stats = await Promise.all(nodes.map(({ client }) => client.info('commandstats')));
      const calls = stats.flatMap((text) => [...text.matchAll(/cmdstat_evalsha:calls=(\d+)/g)]);
      return calls.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const take = (region: string) => limiter.take({ user: `${region}.ada`, endpoint: 'ratings' });
    await Promise.all(REGIONS.map(take));
    const before = await scripts();
    const decisions = await Promise.all(
      REGIONS.flatMap((region) => Array.from({ length: 25 }, () => take(region))),
    );
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(REGIONS.length * 19);
    expect((await scripts()) - before).toBe(REGIONS.length);
  });

  it('leave the subjects without one where they were', async () => {
    const subject = { user: 'bob', endpoint: 'ratings' };
    await limit({ homes: undefined }).take(subject, { decisionId: 'a' });
    const limiter = limit();
    expect(limiter.homeOf?.(subject)).toBeUndefined();
    expect(await limiter.take(subject, { decisionId: 'a' })).toMatchObject({
      remainingTokens: 19,
      isRemembered: true,
    });
  });

  it('are in no region that the table does not have: nothing is charged', async () => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', charge: 'none' });
    const subject = { user: 'mars.ada', endpoint: 'ratings' };
    for (const limiter of [limit(), limit({ strategy: 'lease-unacked' }), limit({ onFailure: 'open' })]) {
      await expect(limiter.take(subject)).rejects.toEqual(refused);
      expect(() => limiter.homeOf?.(subject)).toThrow(refused);
    }
    for (const { client } of nodes) expect(await client.dbsize()).toBe(0);
  });

  it('that the cluster no longer has are reported, and decided all the same', async () => {
    const away: Away[] = [];
    const moved = homesOf((_, i) => [nameOf((i + 1) % REGIONS.length)]);
    const limiter = limit({ homes: { ...moved, onAway: (each: Away) => away.push(each) } });
    for (const region of REGIONS)
      expect((await limiter.take({ user: `${region}.ada`, endpoint: 'ratings' })).allowed).toBe(true);
    expect(away.map(({ home, node }) => [home.region, node])).toEqual(
      REGIONS.map((region, i) => [region, nameOf(i)]),
    );
  });
});
