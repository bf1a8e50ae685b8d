import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { REAL } from '../../src/limiter/outside.ts';
import type { RedisConnection } from '../../src/limiter/redis/connection.ts';
import type { ActiveActiveLimiter } from '../../src/limiter/strategies/active-active/active-active.ts';
import { openActiveActive } from '../../src/limiter/strategies/active-active/open.ts';
import type { MergeRule } from '../../src/limiter/strategies/active-active/replicator.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { cutPairs } from '../../src/topology/pairs.ts';
import { startLocalRegions } from '../support/local-regions.ts';

const NAMES = ['us-east', 'eu-west', 'ap-south'];
const ROUND_TRIPS = { 'us-east:eu-west': 20, 'eu-west:ap-south': 30, 'us-east:ap-south': 40 };
const POLICY = '20:1/min'; // so slow that no debt is paid back while a test runs
const policy = parsePolicy(POLICY);

describe('regions that decide side by side, cut and healed', { timeout: 120_000 }, () => {
  let regions: Regions;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ regions, stop } = await startLocalRegions('redis-server', {
      regions: NAMES,
      replicas: 0,
      roundTripMs: ROUND_TRIPS,
      apart: true,
    }));
  }, 60_000);
  afterAll(() => stop?.());

  const connection = (from: string, to: string): RedisConnection => {
    const { localAddress } = regions.view(from);
    const { host, port } = regions.announced(`${to}-0`);
    return {
      urls: [`redis://${host}:${port}`],
      ...(localAddress && { localAddress }),
      commandTimeoutMs: 2_000,
    };
  };
  const open = (name: string, prefix: string, merge: MergeRule): ActiveActiveLimiter => {
    const others = NAMES.filter((other) => other !== name).map((other) => [other, connection(name, other)]);
    const redis = connection(name, name);
    const region = { name, others: Object.fromEntries(others), everyMs: 20 };
    return openActiveActive('active-active', merge, { policy: POLICY, redis, prefix, region }, REAL);
  };

  /** A limiter in each region, with fresh keys, that have heard of each other. */
  async function withLimiters(
    prefix: string,
    merge: MergeRule,
    use: (limiters: Readonly<Record<string, ActiveActiveLimiter>>) => Promise<void>,
  ): Promise<void> {
    const limiters = Object.fromEntries(NAMES.map((name) => [name, open(name, prefix, merge)]));
    try {
      await rounds(limiters, 1);
      await use(limiters);
    } finally {
      await Promise.all(Object.values(limiters).map((limiter) => limiter.close()));
    }
  }

  /** Waits until every region has made so many more rounds with every other. */
  async function rounds(
    limiters: Readonly<Record<string, ActiveActiveLimiter>>,
    many: number,
    isMeant: (from: string, to: string) => boolean = () => true,
  ) {
    const pairs = NAMES.flatMap((name) =>
      NAMES.filter((to) => to !== name).map((to) => [name, to] as const),
    ).filter(([from, to]) => isMeant(from, to));
    const progress = () => pairs.map(([name, to]) => limiters[name]?.progressOf(to).rounds ?? 0);
    const before = progress();
    await vi.waitUntil(() => progress().every((now, i) => now >= (before[i] ?? 0) + many), {
      timeout: 60_000,
    });
  }

  const drain = async (limiter: ActiveActiveLimiter | undefined, user: string): Promise<number> => {
    let admitted = 0;
    while ((await limiter?.take({ user, endpoint: 'x' }))?.allowed) admitted++;
    return admitted;
  };

  /** The level of each region less what refill has added since 1970: equal, while no bucket is full. */
  const levels = (limiters: Readonly<Record<string, ActiveActiveLimiter>>, user: string) =>
    Promise.all(
      NAMES.map(async (name) => {
        const level = await limiters[name]?.peek({ user, endpoint: 'x' });
        expect(level?.levelQuanta).toBeLessThan(policy.capacityQuanta);
        return (level?.levelQuanta ?? 0) - (level?.atUs ?? 0) * policy.quantaPerUs;
      }),
    );

  it('go on deciding while they are cut off, and have one level two rounds after healing', async () => {
    await withLimiters('cut', 'spends', async (limiters) => {
      const pairs = cutPairs({ isolate: ['eu-west'] }, regions.topology);
      await regions.links.cut(pairs, 'blackhole');
      for (const name of ['us-east', 'eu-west'])
        expect(await drain(limiters[name], 'both')).toBeGreaterThanOrEqual(20);
      await rounds(limiters, 2, (from, to) => from !== 'eu-west' && to !== 'eu-west');
      expect(await drain(limiters['ap-south'], 'both')).toBeLessThanOrEqual(1); // refill alone
      await drain(limiters['us-east'], 'here');
      const cutOff = await limiters['eu-west']?.take({ user: 'here', endpoint: 'x' });
      expect(cutOff?.allowed).toBe(true);
      await regions.links.restore(pairs);
      await rounds(limiters, 2);
      for (const user of ['both', 'here']) {
        const [first, ...others] = await levels(limiters, user);
        expect(others).toEqual([first, first]);
      }
      const debt = await limiters['ap-south']?.peek({ user: 'both', endpoint: 'x' });
      expect(debt?.levelQuanta).toBeLessThan(0);
      expect(debt?.remainingTokens).toBe(0);
      expect(debt?.timeToNextTokenUs).toBe(policy.quantaPerToken - (debt?.levelQuanta ?? 0));
      const denied = await limiters['ap-south']?.take({ user: 'both', endpoint: 'x' });
      expect(denied).toMatchObject({ allowed: false, remainingTokens: 0 });
      expect(denied?.evidence).not.toHaveProperty('levelQuanta');
    });
  });

  it('tell with each decision how old the knowledge was that it was made on', async () => {
    await withLimiters('age', 'spends', async (limiters) => {
      const ageUs = async () =>
        (await limiters['us-east']?.take({ user: 'u', endpoint: 'x' }))?.evidence.ageUs ?? Number.NaN;
      expect(await ageUs()).toBeGreaterThanOrEqual(20_000);
      const pairs = cutPairs({ isolate: ['eu-west'] }, regions.topology);
      await regions.links.cut(pairs, 'blackhole');
      const cutMs = performance.now();
      await vi.waitUntil(async () => (await ageUs()) > 1_000_000, { timeout: 20_000, interval: 200 });
      expect(performance.now() - cutMs).toBeLessThan(20_000);
      await regions.links.restore(pairs);
      await rounds(limiters, 2);
      await vi.waitUntil(async () => (await ageUs()) < 1_000_000, { timeout: 20_000, interval: 20 });
    });
  });

  it('forget what others spent, where the last write wins', async () => {
    await withLimiters('lww', 'last-write', async (limiters) => {
      const pairs = cutPairs({ isolate: ['eu-west'] }, regions.topology);
      await regions.links.cut(pairs, 'blackhole');
      const first = await drain(limiters['us-east'], 'both');
      await limiters['eu-west']?.take({ user: 'both', endpoint: 'x' });
      await regions.links.restore(pairs);
      await rounds(limiters, 2);
      const second = await drain(limiters['us-east'], 'both');
      expect(first).toBeGreaterThanOrEqual(20);
      expect(second).toBeGreaterThanOrEqual(15); // of one bucket, a moment later
    });
  });
});

describe('a limiter of one region', () => {
  const base = { policy: POLICY, redis: { urls: ['redis://127.0.0.1:1'] } };
  const region = { name: 'us-east', others: {} };
  it.each([
    { title: 'no region', options: base, says: /requires option region/ },
    {
      title: 'several policies',
      options: { redis: base.redis, policies: { a: POLICY, b: POLICY }, region },
      says: /supports one policy; found 2/,
    },
    { title: 'batches', options: { ...base, region, batch: true }, says: /does not support batch/ },
    {
      title: 'local answers',
      options: { ...base, region, localAnswers: {} },
      says: /does not support localAnswers/,
    },
    {
      title: 'a list of others',
      options: { ...base, region: { ...region, others: [base.redis] } },
      says: /region.others must be connections by region name/,
    },
    {
      title: 'its own Redis among the others',
      options: { ...base, region: { ...region, others: { 'eu-west': base.redis } } },
      says: /regions us-east and eu-west have the same Redis address, 127\.0\.0\.1:1/,
    },
    {
      title: 'one Redis by two names',
      options: {
        ...base,
        region: {
          ...region,
          others: { b: { urls: ['redis://127.0.0.1:2'] }, c: { urls: ['redis://127.0.0.1:2'] } },
        },
      },
      says: /regions b and c have the same Redis address, 127\.0\.0\.1:2/,
    },
    {
      title: 'no address of another',
      options: { ...base, region: { ...region, others: { 'eu-west': null } } },
      says: /option region\.others\.eu-west must be Redis addresses or a Redis client/,
    },
    {
      title: 'a misspelt option of its region',
      options: { ...base, region: { ...region, everyMS: 50 } },
      says: /unknown option "everyMS" of region; known options: .*/,
    },
    {
      title: 'itself among the others',
      options: { ...base, region: { ...region, others: { 'us-east': base.redis } } },
      says: /must not contain the region itself/,
    },
    {
      title: 'a name with a dot',
      options: { ...base, region: { name: '.life', others: {} } },
      says: /letters, digits and -/,
    },
    {
      title: 'no age',
      options: { ...base, region: { ...region, maxAgeMs: 0 } },
      says: /maxAgeMs must be a whole number from 1000/,
    },
  ])('is refused with $title', ({ options, says }) => {
    const given = options as Parameters<typeof openActiveActive>[2];
    expect(() => openActiveActive('active-active', 'spends', given, REAL)).toThrow(says);
  });
});
