import { describe, expect, it, onTestFinished } from 'vitest';
import type { StrategyName } from '../../src/core/strategies.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { unusedRedis as redis } from '../support/unused-redis.ts';

/* `npm run lint` compiles this file: a call below `@ts-expect-error` that compiles is an error. */
const policy = '10:1/h';
const region = { name: 'us-east', others: {} };
const table = { format: 'openclaw-homes', version: 1, regions: { a: { slots: '0-16383' } } };
const homes = { ...table, regionOf: () => 'a' };
const inCluster = { ...redis, isCluster: true };
const own = { urls: ['redis://127.0.0.1:1'] };

function made(limiter: Limiter): string {
  onTestFinished(() => limiter.close());
  return limiter.strategy;
}

describe('the compiler and createLimiter refuse', () => {
  const cases: readonly [string, () => Limiter, string][] = [
    [
      'lease without replicas',
      // @ts-expect-error: replicas is missing
      () => createLimiter({ policy, redis, strategy: 'lease' }),
      'requires option replicas',
    ],
    [
      'acked without replicas',
      // @ts-expect-error: replicas is missing
      () => createLimiter({ policy, redis, strategy: 'acked' }),
      'option replicas is required',
    ],
    [
      'durability without replicas',
      // @ts-expect-error: replicas is missing
      () => createLimiter({ policy, redis, durability: 'acked' }),
      'option replicas is required',
    ],
    [
      'createLease without replicas',
      // @ts-expect-error: replicas is missing
      () => createLease({ policy, redis }),
      'requires option replicas',
    ],
    [
      'active-active without regions',
      // @ts-expect-error: region is missing
      () => createLimiter({ policy, redis: own, strategy: 'active-active' }),
      'requires option region',
    ],
    [
      'replicas without a strategy that waits for them',
      // @ts-expect-error: central has no replicas
      () => createLimiter({ policy, redis, replicas: 1 }),
      'does not wait for replicas',
    ],
    [
      'homes of article',
      // @ts-expect-error: article has no homes
      () => createLimiter({ policy, redis, strategy: 'article', homes }),
      'does not use option homes',
    ],
    [
      'homes without regionOf',
      // @ts-expect-error: regionOf is missing
      () => createLimiter({ policy, redis: inCluster, homes: table }),
      'homes requires the function regionOf',
    ],
    [
      'replicas of article',
      // @ts-expect-error: article has no replicas
      () => createLimiter({ policy, redis, strategy: 'article', replicas: 1 }),
      'does not wait for replicas',
    ],
    [
      'durability of lease',
      // @ts-expect-error: lease has no durability
      () => createLimiter({ policy, redis, strategy: 'lease', replicas: 1, durability: 'acked' }),
      "durability must be 'acked', with strategy central",
    ],
    [
      'batches of lease',
      // @ts-expect-error: lease has no batches
      () => createLimiter({ policy, redis, strategy: 'lease', replicas: 1, batch: true }),
      'does not support batch',
    ],
    [
      'local answers of article',
      // @ts-expect-error: article has no local answers
      () => createLimiter({ policy, redis, strategy: 'article', localAnswers: {} }),
      'does not support localAnswers',
    ],
    [
      'regions without their strategy',
      // @ts-expect-error: central has no region
      () => createLimiter({ policy, redis, region }),
      'strategy central does not use option region',
    ],
    [
      'times of a lease without their strategy',
      // @ts-expect-error: central has no lease
      () => createLimiter({ policy, redis, lease: { leaseMs: 1_000 } }),
      'strategy central does not use option lease',
    ],
    [
      'a clock without its strategy',
      // @ts-expect-error: central has no clock of the caller
      () => createLimiter({ policy, redis, nowMs: () => 0 }),
      'strategy central does not use option nowMs',
    ],
    [
      'a memory of decisions of lease',
      // @ts-expect-error: lease remembers no decisions
      () => createLimiter({ policy, redis, strategy: 'lease', replicas: 0, decisionMemoryMs: 1_000 }),
      'strategy lease does not use option decisionMemoryMs',
    ],
    [
      'a policy and policies',
      // @ts-expect-error: mutually exclusive
      () => createLimiter({ policy, policies: { burst: policy }, redis }),
      'policy and policies are mutually exclusive',
    ],
  ];
  it.each(cases)('%s', (_, make, says) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(says) }),
    );
  });
});

describe('the compiler and createLimiter take', () => {
  const several = { burst: policy, daily: '100:100/d' };
  const cases: readonly [string, () => Limiter, StrategyName][] = [
    ['no strategy', () => createLimiter({ policy, redis }), 'central'],
    ['several policies', () => createLimiter({ policies: several, redis, batch: true }), 'central'],
    [
      'durability',
      () => createLimiter({ policies: several, redis, durability: 'acked', replicas: 1 }),
      'acked',
    ],
    [
      'acked',
      () => createLimiter({ policy, redis, strategy: 'acked', replicas: 1, localAnswers: {} }),
      'acked',
    ],
    ['article', () => createLimiter({ policy, redis, strategy: 'article', nowMs: () => 0 }), 'article'],
    ['lease', () => createLimiter({ policy, redis, strategy: 'lease', replicas: 0, lease: {} }), 'lease'],
    ['unacked leases', () => createLimiter({ policy, redis, strategy: 'lease-unacked' }), 'lease-unacked'],
    [
      'active-active',
      () => createLimiter({ policy, redis: own, strategy: 'active-active', region }),
      'active-active',
    ],
    [
      'overrides',
      () => createLimiter({ policy, redis, overrides: ({ user }) => ({ default: user }) }),
      'central',
    ],
  ];
  it.each(cases)('%s', (_, make, strategy) => {
    expect(made(make())).toBe(strategy);
  });

  it.each<StrategyName>(['central', 'lease'])('a strategy that is known at run time only: %s', (strategy) => {
    const replicas = strategy === 'lease' ? 1 : undefined;
    // @ts-expect-error: not every strategy has these options
    const strict = () => createLimiter({ policy, redis, strategy, ...(replicas && { replicas }) });
    expect(made(strict())).toBe(strategy);
    expect(
      made(createLimiter({ policy, redis, strategy, ...(replicas && { replicas }) } as LimiterOptions)),
    ).toBe(strategy);
  });
});
