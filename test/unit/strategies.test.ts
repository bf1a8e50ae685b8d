import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { DEFAULT_STRATEGY, hasSharedBucket, STRATEGY_NAMES, traitsOf } from '../../src/core/strategies.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import type { AnyOptions, LimiterOptions } from '../../src/limiter/options/limiter-options.ts';
import { boundOf, falseDenialsOf, statedOf } from '../../src/limiter/strategies/bounds.ts';
import { ada } from '../support/steppable-limiters.ts';
import { unusedRedis as redis } from '../support/unused-redis.ts';

const create = (options: Pick<AnyOptions, 'strategy' | 'replicas'>) =>
  createLimiter({ policy: '10:1/s', redis, ...options } as LimiterOptions);

describe.each(STRATEGY_NAMES)('strategy %s', (strategy) => {
  const traits = traitsOf(strategy);

  it('is created, or names the option it lacks', () => {
    const { waitsForReplicas, perRegionBucket, readsReplicas, lends } = traits;
    if (perRegionBucket) expect(() => create({ strategy })).toThrow('requires option region');
    else if (readsReplicas)
      expect(() => create({ strategy })).toThrow('requires Redis addresses, not a client');
    else if (waitsForReplicas) {
      expect(() => create({ strategy })).toThrow(/option replicas is required|requires option replicas/);
      expect(create({ strategy, replicas: 1 }).strategy).toBe(strategy);
    } else expect(create({ strategy }).strategy).toBe(strategy);
    if (!waitsForReplicas)
      expect(() => create({ strategy, replicas: 1 })).toThrow('does not wait for replicas');
    if (!waitsForReplicas && lends) expect(create({ strategy, replicas: 0 }).strategy).toBe(strategy);
  });

  it('refuses other costs than one token where it has a unit cost', async () => {
    if (traits.perRegionBucket || traits.readsReplicas) return expect(traits.unitCost).toBeUndefined();
    const limiter = create({ strategy, ...(traits.waitsForReplicas && { replicas: 1 }) });
    const refused = await limiter.take(ada, { cost: 2 }).catch(({ code }) => code === 'INVALID_COST');
    expect(refused).toBe(traits.unitCost ?? false);
    await limiter.close();
  });

  it('refuses decision ids unless it remembers decisions', async () => {
    if (traits.perRegionBucket || traits.readsReplicas)
      return expect(traits.remembersDecisions).toBeUndefined();
    const limiter = create({ strategy, ...(traits.waitsForReplicas && { replicas: 1 }) });
    const refused = await limiter
      .take(ada, { decisionId: 'a' })
      .catch(({ code }) => code === 'INVALID_OPTION');
    expect(refused).toBe(!traits.remembersDecisions);
    await limiter.close();
  });

  it('declares the bound of its traits', () => {
    const bound = boundOf(strategy, parsePolicy('10:1/s'), {
      ...{ shard: '', failovers: [], emptyRestarts: 0, clockStepsUs: [], serviceClockSpreadUs: 0 },
      ...(traits.perRegionBucket && { sideBySide: { regions: 2, ageUs: 0, clockSpreadUs: 0 } }),
    });
    if (traits.readsReplicas) return expect(bound).toBeUndefined();
    expect(bound?.totalExcess === null).toBe(traits.windowBound ?? false);
    expect(bound?.worstWindow).toEqual(expect.any(Number));
    expect(falseDenialsOf(strategy) > 0).toBe(traits.lends ?? false);
    const isSplit = traits.lends ?? traits.perRegionBucket ?? false;
    expect(statedOf(strategy)).toEqual({ tooHigh: 'bound', ...(isSplit && { tooLow: true }) });
  });
});

it('a limiter without a strategy has the default one', () =>
  expect(create({}).strategy).toBe(DEFAULT_STRATEGY));

it.each(['', 'plugin:mine.mjs', 'external', 'toString'])('%j is no strategy: no trait is known', (name) => {
  expect(traitsOf(name)).toEqual({});
  expect(hasSharedBucket(name)).toBe(true);
  expect(() => create({ strategy: name as 'central' })).toThrow(
    `a strategy is one of ${STRATEGY_NAMES.join(', ')}`,
  );
});

describe.each(['history', 'checker'])('src/%s', (folder) => {
  const root = join(import.meta.dirname, '../../src', folder);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  /** Not `lease`: it is a source of decisions as well. */
  const names = STRATEGY_NAMES.filter((name) => name !== 'lease').join('|');

  it('names no strategy', () => {
    expect(files.length).toBeGreaterThan(20);
    const literal = new RegExp(`['"\`](${names})['"\`]`);
    expect(files.filter((file) => literal.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
});
