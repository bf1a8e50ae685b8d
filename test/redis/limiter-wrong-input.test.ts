import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { makePolicy } from '../../src/core/policy.ts';
import { STRATEGY_NAMES, traitsOf } from '../../src/core/strategies.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Subject, TakeOptions } from '../../src/limiter/limiter.ts';
import { createLease, type LeaseOptions } from '../../src/limiter/strategies/lease/open.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ada } from '../support/steppable-limiters.ts';
import { connectPeer, echo, startTcpServer } from '../support/tcp-peer.ts';

/* What no type lets through, and a program in JavaScript may give all the same. */
const redis = { urls: ['redis://127.0.0.1:1'] };
const policy = '10:1/h';
const made = makePolicy(10, '1/h');
const rate = { tokens: 1, perUs: 1_000_000 };
const table = { format: 'openclaw-homes', version: 1, regions: { a: { slots: '0-16383' } } };
const homes = { ...table, regionOf: () => 'a' };
const cluster = { ...redis, cluster: true };
/** An error that the author of a program can act on. */
const A_HINT = /^(?!.*--help).*\w/;

describe('createLimiter refuses', () => {
  it.each<[string, unknown, string]>([
    ['no options', undefined, 'INVALID_OPTION'],
    ['no redis', { policy }, 'INVALID_OPTION'],
    ['an address alone', { policy, redis: 'redis://127.0.0.1:1' }, 'INVALID_OPTION'],
    ['one address where a list is asked for', { policy, redis: { urls: redis.urls[0] } }, 'INVALID_OPTION'],
    ['a client of ioredis itself', { policy, redis: new Redis({ lazyConnect: true }) }, 'INVALID_OPTION'],
    ['a client of node-redis itself', { policy, redis: createClient() }, 'INVALID_OPTION'],
    ['a number for a policy', { policy: 5, redis }, 'INVALID_POLICY'],
    ['null for a policy', { policy: null, redis }, 'INVALID_POLICY'],
    ['a policy that is half of one', { policy: { capacityTokens: 5 }, redis }, 'INVALID_POLICY'],
    ['a policy made by hand', { policy: { ...made, quantaPerToken: 1 }, redis }, 'INVALID_POLICY'],
    ['a policy whose rate was changed', { policy: { ...made, refill: rate }, redis }, 'INVALID_POLICY'],
    ['a policy of half a token', { policy: { ...made, capacityTokens: 0.5 }, redis }, 'INVALID_POLICY'],
    ['a name without a policy', { policies: { burst: undefined }, redis }, 'INVALID_POLICY'],
    ['a prefix that is no text', { policy, redis, prefix: 5 }, 'INVALID_OPTION'],
    ['overrides that are no function', { policy, redis, overrides: {} }, 'INVALID_OPTION'],
    ['replicas of no use to its strategy', { policy, redis, replicas: 1 }, 'INVALID_OPTION'],
    ['no replicas where none are waited for', { policy, redis, replicas: 0 }, 'INVALID_OPTION'],
    [
      'replicas where grants wait for none',
      { policy, redis, strategy: 'lease-unacked', replicas: 1 },
      'INVALID_OPTION',
    ],
    ['null for a lease', { policy, redis, strategy: 'lease', replicas: 0, lease: null }, 'INVALID_OPTION'],
    ['a failure policy that is none', { policy, redis, onFailure: null }, 'INVALID_OPTION'],
    ['a misspelt option', { policy, redis, onFailur: 'open' }, 'INVALID_OPTION'],
    ['a misspelt member of redis', { policy, redis: { ...redis, pasword: 's3' } }, 'INVALID_OPTION'],
    ['a misspelt time of local answers', { policy, redis, localAnswers: { forMS: 9 } }, 'INVALID_OPTION'],
    ['local answers by yes or no', { policy, redis, localAnswers: false }, 'INVALID_OPTION'],
    ['a strategy that is none', { policy, redis, strategy: 'centrall' }, 'INVALID_OPTION'],
    [
      'no time between exchanges',
      { policy, redis, strategy: 'active-active', region: { name: 'us-east', others: {}, everyMs: 0 } },
      'INVALID_OPTION',
    ],
    ['homes without a cluster', { policy, redis, homes }, 'INVALID_OPTION'],
    ['homes of a strategy without', { policy, redis: cluster, strategy: 'article', homes }, 'INVALID_OPTION'],
    ['homes without a rule', { policy, redis: cluster, homes: table }, 'INVALID_OPTION'],
    ['homes by yes or no', { policy, redis: cluster, homes: true }, 'INVALID_OPTION'],
    [
      'a rule that is no function',
      { policy, redis: cluster, homes: { ...homes, regionOf: 'a' } },
      'INVALID_OPTION',
    ],
    [
      'a misspelt rule',
      { policy, redis: cluster, homes: { ...homes, regionof: () => 'a' } },
      'INVALID_OPTION',
    ],
    ['homes without a table', { policy, redis: cluster, homes: { regionOf: () => 'a' } }, 'INVALID_OPTION'],
    ['no time for a command', { policy, redis: { ...redis, commandTimeoutMs: 0 } }, 'INVALID_OPTION'],
    ['what is no address', { policy, redis: { urls: ['127.0.0.1'] } }, 'INVALID_OPTION'],
    [
      'two addresses of one server',
      { policy, redis: { urls: ['redis://a', 'redis://b'] } },
      'INVALID_OPTION',
    ],
  ])('%s', (_, options, code) =>
    expect(() => createLimiter(options as LimiterOptions)).toThrow(
      expect.objectContaining({ code, charge: 'none', hint: expect.stringMatching(A_HINT) }),
    ),
  );
});

it.each([
  { title: 'local answers', options: { localAnswers: false } },
  { title: 'a failure policy', options: { onFailure: 'shut' } },
])('createLimiter leaves no connection where it refuses $title', async ({ options }) => {
  const { port, peers } = await startTcpServer(echo);
  const whole = { policy, redis: { urls: [`redis://127.0.0.1:${port}`] } };
  expect(() => createLimiter({ ...whole, ...options } as unknown as LimiterOptions)).toThrow(OpenclawError);
  const ours = await connectPeer(port);
  ours.socket.write('after it');
  await ours.until(({ received }) => received() === 'after it');
  await vi.waitUntil(() => peers.filter(({ events }) => events.length === 0).length === 1, {
    timeout: 10_000,
  });
});

describe('createLease refuses', () => {
  const whole = { policy, redis, replicas: 0 };
  it.each<[string, unknown, string]>([
    ['no options', undefined, 'INVALID_OPTION'],
    ['null for options', null, 'INVALID_OPTION'],
    ['no redis', { policy, replicas: 0 }, 'INVALID_OPTION'],
    ['an address alone', { ...whole, redis: redis.urls[0] }, 'INVALID_OPTION'],
    ['a client of ioredis itself', { ...whole, redis: new Redis({ lazyConnect: true }) }, 'INVALID_OPTION'],
    ['nothing on replicas', { policy, redis }, 'INVALID_OPTION'],
    ['null for replicas', { ...whole, replicas: null }, 'INVALID_OPTION'],
    ['null for the times of a lease', { ...whole, lease: null }, 'INVALID_OPTION'],
    ['a number for the times of a lease', { ...whole, lease: 4_000 }, 'INVALID_OPTION'],
    ['a text for a time', { ...whole, lease: { leaseMs: '4000' } }, 'INVALID_OPTION'],
    ['null for a policy', { ...whole, policy: null }, 'INVALID_POLICY'],
    ['a strategy', { ...whole, strategy: 'lease' }, 'INVALID_OPTION'],
    ['homes without a cluster', { ...whole, homes }, 'INVALID_OPTION'],
    ['homes without a rule', { ...whole, redis: cluster, homes: table }, 'INVALID_OPTION'],
    ['a durability', { ...whole, durability: 'acked' }, 'INVALID_OPTION'],
    ['batches', { ...whole, batch: true }, 'INVALID_OPTION'],
    ['a misspelt time of a lease', { ...whole, lease: { leaseMS: 4_000 } }, 'INVALID_OPTION'],
    ['two policies', { redis, replicas: 0, policies: { a: policy, b: policy } }, 'INVALID_OPTION'],
  ])('%s', (_, options, code) =>
    expect(() => createLease(options as LeaseOptions)).toThrow(
      expect.objectContaining({ code, charge: 'none', hint: expect.stringMatching(A_HINT) }),
    ),
  );

  it.each([
    { title: 'failure policies', more: { onFailure: 'open' }, says: /unknown option "onFailure"/ },
    { title: 'shadow', more: { shadow: true }, says: /unknown option "shadow"/ },
  ])('$title, and names the function that supports them', ({ more, says }) =>
    expect(() => createLease({ ...whole, ...more } as LeaseOptions)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(says),
        hint: expect.stringContaining('createLimiter'),
      }),
    ),
  );

  it('fewer replicas than none', () =>
    expect(() => createLease({ ...whole, replicas: -1 })).toThrow(/replicas must be 0 to 100; found -1/));
});

describe('take refuses, and charges nothing', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer('redis-server');
  });
  afterAll(() => server?.stop());

  it.each<[string, unknown, unknown, string]>([
    ['no subject', undefined, {}, 'INVALID_SUBJECT'],
    ['null for a subject', null, {}, 'INVALID_SUBJECT'],
    ['null for a cost', ada, { cost: null }, 'INVALID_COST'],
    ['a list for a cost', ada, { cost: [] }, 'INVALID_COST'],
    ['null for the cost of one policy', ada, { cost: { default: null } }, 'INVALID_COST'],
    ['null for options', ada, null, 'INVALID_OPTION'],
    ['a number for options', ada, 3, 'INVALID_OPTION'],
    ['a misspelt option', ada, { costs: 3 }, 'INVALID_OPTION'],
    ['null for a decision id, which would be one id for all', ada, { decisionId: null }, 'INVALID_OPTION'],
    ['a number for a decision id', ada, { decisionId: 7 }, 'INVALID_OPTION'],
    ['overrides that are a promise', { ...ada, user: 'promise' }, {}, 'INVALID_OPTION'],
    ['overrides that are a list', { ...ada, user: 'list' }, {}, 'INVALID_OPTION'],
  ])('%s', async (_, subject, options, code) => {
    const wrong: Record<string, unknown> = { promise: Promise.resolve({}), list: [] };
    const overrides = (({ user }) => wrong[user]) as NonNullable<LimiterOptions['overrides']>;
    const limiter = createLimiter({
      policy,
      redis: { urls: [server.url], commandTimeoutMs: 10_000 },
      overrides,
    });
    onTestFinished(() => limiter.close());
    await expect(limiter.take(subject as Subject, options as TakeOptions)).rejects.toMatchObject({
      code,
      charge: 'none',
    });
    expect(await server.client.dbsize()).toBe(0);
  });

  const wrongSubjects = [undefined, null, 5, {}, { user: 'ada' }] as unknown as Subject[];
  it.each(STRATEGY_NAMES)('of strategy %s invalid subjects and options', async (strategy) => {
    const traits = traitsOf(strategy);
    const limiter = createLimiter({
      strategy,
      policy,
      redis: {
        urls: [server.url],
        commandTimeoutMs: 10_000,
        ...(strategy === 'replica-reads' && { cluster: true }),
      },
      overrides: ({ user }: Subject) => (user.startsWith('gold') ? { default: '20:1/h' } : undefined),
      ...(traits.waitsForReplicas && { replicas: 1 }),
      ...(traits.perRegionBucket && { region: { name: 'us-east', others: {} } }),
    } as LimiterOptions);
    onTestFinished(() => limiter.close());
    const refused = { name: 'OpenclawError', charge: 'none' };
    for (const subject of wrongSubjects) {
      for (const method of ['take', 'peek', 'refund', 'reserve', 'reset'] as const)
        await expect(limiter[method](subject)).rejects.toMatchObject(refused);
      expect(() => limiter.policiesOf(subject)).toThrow(expect.objectContaining(refused));
    }
    for (const options of [null, 3, [], { foo: 3 }, { cost: null }] as unknown as TakeOptions[])
      for (const method of ['take', 'refund', 'reserve'] as const)
        await expect(limiter[method](ada, options)).rejects.toMatchObject(refused);
    expect(await server.client.dbsize()).toBe(0);
  });

  it.each<[string, unknown, unknown, string]>([
    ['no subject', undefined, undefined, 'INVALID_SUBJECT'],
    ['a subject without text', { user: '', endpoint: 'e' }, undefined, 'INVALID_SUBJECT'],
    ['a number for options', ada, 3, 'INVALID_OPTION'],
    ['null for options', ada, null, 'INVALID_OPTION'],
    ['a cost in the place of options', ada, { default: 3 }, 'INVALID_OPTION'],
    ['an option that is none', ada, { foo: 3 }, 'INVALID_OPTION'],
    ['a decision id', ada, { decisionId: 'x' }, 'INVALID_OPTION'],
    ['a cost that is no number', ada, { cost: Number.NaN }, 'INVALID_COST'],
    ['a cost below 1', ada, { cost: -1 }, 'INVALID_COST'],
    ['a cost of no policy', ada, { cost: { other: 3 } }, 'INVALID_COST'],
    ['a cost above the capacity', ada, { cost: 11 }, 'COST_ABOVE_CAPACITY'],
  ])('of a lease, by tryTake and take alike, %s', async (_, subject, options, code) => {
    const limiter = createLease({
      policy,
      redis: { urls: [server.url], commandTimeoutMs: 10_000 },
      replicas: 0,
    });
    onTestFinished(() => limiter.close());
    const refused = { code, charge: 'none', message: expect.any(String) };
    const told = await limiter.take(subject as Subject, options as TakeOptions).catch((error) => error);
    expect(told).toMatchObject(refused);
    expect(() => limiter.tryTake(subject as Subject, options as TakeOptions)).toThrow(
      expect.objectContaining({ ...refused, message: told.message }),
    );
    expect(await server.client.dbsize()).toBe(0);
  });

  it('nothing if a policy has the name of an inherited property', async () => {
    const limiter = createLimiter({
      policies: { constructor: policy, b: policy },
      redis: { urls: [server.url], commandTimeoutMs: 10_000 },
    });
    onTestFinished(() => limiter.close());
    const { policies } = await limiter.take(ada, { cost: { b: 3 } });
    expect(policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([9, 7]);
  });
});
