import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { SLOTS } from '../../src/limiter/redis/hash-slot.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { startTestCluster } from '../support/cluster.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];

describe.each(SERVERS)('homes on a cluster of %s', (command) => {
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

  /** The regions of the cluster; a user's home is what its name begins with. */
  function homes() {
    const regions = REGIONS.map((name, i) => {
      const [from, to] = [i, i + 1].map((at) => Math.ceil((at * SLOTS) / REGIONS.length)) as [number, number];
      return [name, { slots: `${from}-${to - 1}`, nodes: [`127.0.0.1:${nodes[i]?.port}`] }];
    });
    const regionOf = ({ user }: { user: string }) => user.split('.')[0];
    return { format: 'openclaw-homes', version: 1, regions: Object.fromEntries(regions), regionOf };
  }

  function limit(more: Partial<LimiterOptions> = {}): Limiter {
    const redis = { urls: nodes.map(({ url }) => url), cluster: true, commandTimeoutMs: 10_000 };
    const options = { policy: '20:1/d', redis, homes: homes(), ...more } as LimiterOptions;
    const limiter = createLimiter(options);
    limiters.push(limiter);
    return limiter;
  }

  const leased = () => {
    const redis = { urls: nodes.map(({ url }) => url), cluster: true, commandTimeoutMs: 10_000 };
    const limiter = createLease({ policy: '20:1/d', redis, replicas: 0, homes: homes() });
    limiters.push(limiter);
    return limiter;
  };

  it.each<[string, () => Limiter]>([
    ['central', () => limit()],
    ['lease-unacked', () => limit({ strategy: 'lease-unacked' })],
    ['createLease', leased],
  ])('are where %s decides', async (_, open) => {
    const limiter = open();
    for (const [i, region] of REGIONS.entries())
      for (let user = 0; user < 20; user++) {
        const subject = { user: `${region}.u${user}`, endpoint: 'ratings' };
        const home = limiter.homeOf?.(subject);
        const { evidence } = await limiter.take(subject);
        expect(home).toMatchObject({ region, nodes: [evidence.node] });
        expect(evidence.node).toBe(`127.0.0.1:${nodes[i]?.port}`);
        expect(await nodes[i]?.client.exists(home?.key ?? '')).toBe(1);
      }
  });
});
