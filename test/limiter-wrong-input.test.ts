import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLimiter, type LimiterOptions } from '../src/limiter/create.ts';
import { createLease, type LeaseOptions } from '../src/limiter/lease/open.ts';
import type { Subject, TakeOptions } from '../src/limiter/limiter.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { ada } from './support/steppable-limiters.ts';

/* What no type lets through, and a program in JavaScript may give all the same. */
const redis = { urls: ['redis://127.0.0.1:1'] };
const policy = '10:1/h';

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
  ])('%s', (_, options, code) =>
    expect(() => createLimiter(options as LimiterOptions)).toThrow(
      expect.objectContaining({ code, charge: 'none', hint: expect.stringMatching(/\w/) }),
    ),
  );
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
  ])('%s', (_, options, code) =>
    expect(() => createLease(options as LeaseOptions)).toThrow(
      expect.objectContaining({ code, charge: 'none', hint: expect.stringMatching(/\w/) }),
    ),
  );
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
    ['null for a decision id, which would be one id for all', ada, { decisionId: null }, 'INVALID_OPTION'],
    ['a number for a decision id', ada, { decisionId: 7 }, 'INVALID_OPTION'],
    ['overrides that are a promise', { ...ada, user: 'promise' }, {}, 'INVALID_OPTION'],
    ['overrides that are a list', { ...ada, user: 'list' }, {}, 'INVALID_OPTION'],
  ])('%s', async (_, subject, options, code) => {
    const wrong: Record<string, unknown> = { promise: Promise.resolve({}), list: [] };
    const overrides = (({ user }) => wrong[user]) as NonNullable<LimiterOptions['overrides']>;
    const limiter = createLimiter({ policy, redis: { urls: [server.url] }, overrides });
    onTestFinished(() => limiter.close());
    await expect(limiter.take(subject as Subject, options as TakeOptions)).rejects.toMatchObject({
      code,
      charge: 'none',
    });
    expect(await server.client.dbsize()).toBe(0);
  });

  it('nothing where a policy is called like what every object has', async () => {
    const limiter = createLimiter({
      policies: { constructor: policy, b: policy },
      redis: { urls: [server.url] },
    });
    onTestFinished(() => limiter.close());
    const { policies } = await limiter.take(ada, { cost: { b: 3 } });
    expect(policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([9, 7]);
  });
});
