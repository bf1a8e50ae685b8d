import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { fromIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { announcedAddress, type Regions } from '../../src/regions/provider.ts';
import { homesOf, REGIONS } from '../support/homes.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';

/** Longer than a decision at home takes on a busy machine. */
const ROUND_TRIP_MS = 400;

describe.each(SERVERS)('homes on regions of %s', { timeout: 120_000 }, (server) => {
  let regions: Regions;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const pairs = [
      `${REGIONS[0]}:${REGIONS[1]}`,
      `${REGIONS[0]}:${REGIONS[2]}`,
      `${REGIONS[1]}:${REGIONS[2]}`,
    ];
    const roundTripMs = Object.fromEntries(pairs.map((pair) => [pair, ROUND_TRIP_MS]));
    ({ regions, stop } = await startLocalRegions(server, {
      ...{ regions: REGIONS, roundTripMs },
      nodeTimeoutMs: 10_000, // a busy machine may stop a node for seconds
    }));
  }, 60_000);
  afterAll(() => stop());

  const nodesIn = (region: string) =>
    regions.topology.nodes
      .filter((node) => node.region === region)
      .map(({ name }) => announcedAddress(regions, name));

  function optionsIn(region: string) {
    const { seeds, localAddress } = regions.view(region);
    return {
      policy: '20:1/d',
      homes: homesOf(nodesIn),
      redis: {
        ...{ urls: seeds.map(({ host, port }) => `redis://${host}:${port}`), cluster: true },
        ...{ commandTimeoutMs: 20_000, ...(localAddress && { localAddress }) },
      },
    };
  }

  const closing = <L extends Limiter>(limiter: L): L => {
    onTestFinished(() => limiter.close());
    return limiter;
  };
  const limit = (region: string, more: object) =>
    closing(createLimiter({ ...optionsIn(region), ...more } as LimiterOptions));

  /** As a service that has a client of ioredis already. */
  function adopted(region: string) {
    const client = new Cluster([...regions.view(region).seeds], { lazyConnect: true });
    return { redis: fromIoredis(client, { commandTimeoutMs: 20_000 }) };
  }

  const timed = async <T>(work: () => Promise<T>) => {
    const startedMs = performance.now();
    const result = await work();
    return { result, ms: performance.now() - startedMs };
  };

  it.each<[string, (region: string) => object, number]>([
    ['central', () => ({}), 0],
    ['acked, which waits for the replica', () => ({ strategy: 'acked', replicas: 1 }), 1],
    [
      'acked by a client of ioredis',
      (region) => ({ ...adopted(region), durability: 'acked', replicas: 1 }),
      1,
    ],
    ['lease, which waits for the replica once', () => ({ strategy: 'lease', replicas: 1 }), 1],
    ['lease by a client of ioredis', (region) => ({ ...adopted(region), strategy: 'lease', replicas: 1 }), 1],
  ])('are where %s decides', async (name, more, trips) => {
    await Promise.all(
      REGIONS.map(async (region) => {
        const limiter = limit(region, { ...more(region), prefix: name.replaceAll(/\W/g, '') });
        await limiter.ready();
        const subject = { user: `${region}.ada`, endpoint: 'ratings' };
        await limiter.take({ ...subject, user: `${region}.first` }); // connects
        const { result, ms } = await timed(() => limiter.take(subject));
        expect(nodesIn(region)).toContain(result.evidence.node);
        expect(result.allowed).toBe(true);
        if (trips > 0) return expect(ms).toBeGreaterThanOrEqual(ROUND_TRIP_MS);
        const next = (at: number) => timed(() => limiter.take({ ...subject, user: `${region}.next-${at}` }));
        for (let at = 0, lastMs = ms; lastMs >= ROUND_TRIP_MS; at++) {
          expect(at, `${lastMs} ms, again and again`).toBeLessThan(5); // but for a pause
          lastMs = (await next(at)).ms;
        }
      }),
    );
  });

  it('have the ids and reservations of acked beside their buckets', async () => {
    const region = REGIONS[0] ?? '';
    const limiter = limit(region, { strategy: 'acked', replicas: 1, prefix: 'ids' });
    const subject = { user: `${region}.ada`, endpoint: 'ratings' };
    await limiter.take(subject, { cost: 3, decisionId: 'a' });
    expect(await limiter.take(subject, { cost: 3, decisionId: 'a' })).toMatchObject({ isRemembered: true });
    await limiter.refund(subject, { decisionId: 'a' });
    const reservation = await limiter.reserve(subject, { cost: 5 });
    await reservation.settle(2);
    const { remainingTokens, node } = await limiter.peek(subject);
    expect(remainingTokens).toBe(16);
    expect(nodesIn(region)).toContain(node);
  });

  it('are one bucket for the processes of all regions', async () => {
    const limiters = REGIONS.map((region) => limit(region, { prefix: 'one' }));
    const subject = { user: `${REGIONS[1]}.ada`, endpoint: 'ratings' };
    const takes = limiters.flatMap((limiter) => Array.from({ length: 15 }, () => limiter.take(subject)));
    const decisions = await Promise.all(takes);
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(20);
    expect(new Set(decisions.map(({ evidence }) => evidence.node)).size).toBe(1);
  });

  it('lend to the processes of all regions, together what one bucket has', async () => {
    const lease = { leaseMs: 20_000 }; // longer than a reply takes on a busy machine
    const limiters = REGIONS.map((region) =>
      closing(createLease({ ...optionsIn(region), prefix: 'lent', replicas: 1, lease })),
    );
    const subject = { user: `${REGIONS[2]}.ada`, endpoint: 'ratings' };
    let admitted = 0;
    const round = () => Promise.all(limiters.map((limiter) => limiter.take(subject)));
    await vi.waitUntil(
      async () => {
        const decisions = await round();
        admitted += decisions.filter(({ allowed }) => allowed).length;
        for (const { evidence } of decisions) expect(nodesIn(REGIONS[2] ?? '')).toContain(evidence.node);
        return admitted >= 20;
      },
      { timeout: 60_000, interval: 20 },
    );
    expect(admitted).toBe(20);
    expect((await round()).filter(({ allowed }) => allowed)).toHaveLength(0);
  });
});
