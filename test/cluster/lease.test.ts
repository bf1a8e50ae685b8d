import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { injectFault } from '../../src/faults/registry.ts';
import type { LeaseLimiter } from '../../src/limiter/strategies/lease/lease.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import type { RegionView } from '../../src/regions/provider.ts';
import { startTestCluster } from '../support/cluster.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

const subject = (user: string) => ({ user, endpoint: 'ratings' });
const users = Array.from({ length: 20 }, (_, i) => `u${i}`);

function holder(urls: string[], replicas: number, more: { localAddress?: string } = {}): LeaseLimiter {
  const limiter = createLease({
    policy: '30:1/d',
    redis: { urls, cluster: true, commandTimeoutMs: 5_000, ...more },
    replicas,
    lease: { leaseMs: 2_000, marginMs: 500 },
  });
  onTestFinished(() => limiter.close());
  return limiter;
}

/** Takes once of every user at every holder; counts what is admitted, and who lent it. */
async function takeRound(limiters: readonly LeaseLimiter[], admitted: Map<string, number>) {
  const nodes = new Map<string, string>();
  let denials = 0;
  const takes = users.flatMap((user) => limiters.map((limiter) => ({ user, limiter })));
  await Promise.all(
    takes.map(async ({ user, limiter }) => {
      const decision = await limiter.take(subject(user)).catch(() => undefined);
      if (decision === undefined) return;
      nodes.set(user, decision.evidence.node);
      if (decision.allowed) admitted.set(user, (admitted.get(user) ?? 0) + 1);
      else denials++;
    }),
  );
  return { nodes, denials, of: takes.length };
}

const sumOf = (admitted: ReadonlyMap<string, number>) =>
  [...admitted.values()].reduce((sum, count) => sum + count, 0);

describe.each(SERVERS)('leases on a cluster of %s', { timeout: 60_000 }, (command) => {
  let nodes: TestServer[] = [];
  beforeAll(async () => {
    nodes = await startTestCluster(command, 2);
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  it('are lent by the node that holds the slot', async () => {
    const limiter = holder([(nodes[0] as TestServer).url], 0);
    let lenders = new Map<string, string>();
    await vi.waitUntil(
      async () => {
        ({ nodes: lenders } = await takeRound([limiter], new Map()));
        return lenders.size === users.length;
      },
      { timeout: 30_000 },
    );
    for (const { port, client } of nodes) {
      const keys = await client.keys('rate:openclaw:*');
      expect(keys.length).toBeGreaterThan(2);
      for (const key of keys) expect(lenders.get(key.split(':')[2] ?? '')).toBe(`127.0.0.1:${port}`);
    }
  });
});

describe.each(SERVERS)('leases on regions of %s', (command) => {
  it('survive a failover of home, and no token is admitted twice', { timeout: 240_000 }, async () => {
    const { regions, stop } = await startLocalRegions(command, { roundTripMs: {} });
    onTestFinished(stop, 60_000);
    const inRegion = ({ seeds, localAddress }: RegionView) =>
      holder(
        seeds.map(({ host, port }) => `redis://${host}:${port}`),
        1,
        localAddress === undefined ? {} : { localAddress },
      );
    const limiters = regions.topology.regions.map((region) => inRegion(regions.view(region)));
    const admitted = new Map<string, number>();
    let before = new Map<string, string>();
    await vi.waitUntil(
      async () => {
        const round = await takeRound(limiters, admitted);
        before = round.nodes;
        return before.size === users.length;
      },
      { timeout: 30_000 },
    );

    const undo = await injectFault(
      { fault: 'kill', node: 'us-east-0' },
      { regions, random: makeRandom(1, 'kill'), signal: new AbortController().signal },
    );
    await takeRound(limiters, admitted);
    await undo(); // once its replica has taken over; it comes back as the replica of that, without which nothing is lent
    const sumAtTakeover = sumOf(admitted);
    await vi.waitUntil(
      async () => {
        const { nodes: lenders, denials, of } = await takeRound(limiters, admitted);
        const hasMoved = users.some((user) => lenders.get(user) !== before.get(user));
        return hasMoved && denials === of;
      },
      { timeout: 120_000, interval: 50 },
    );
    expect(sumOf(admitted)).toBeGreaterThan(sumAtTakeover);
    for (const user of users) expect(admitted.get(user), user).toBeLessThanOrEqual(30);
  });
});
