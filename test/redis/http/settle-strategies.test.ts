import { metrics } from '@opentelemetry/api';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { STRATEGY_NAMES, traitsOf } from '../../../src/core/strategies.ts';
import { rateLimit as limitExpress } from '../../../src/http/express.ts';
import { rateLimit as limitFastify } from '../../../src/http/fastify.ts';
import { rateLimit as limitFetch } from '../../../src/http/fetch.ts';
import { rateLimit as limitHono } from '../../../src/http/hono.ts';
import { createLimiter, type LimiterOptions } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { withMetrics } from '../../../src/metrics/with-metrics.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());

const ada = { user: 'ada', endpoint: 'x' };
const subject = () => ada;
const settle = () => 0;

describe.each(STRATEGY_NAMES)('settle with a limiter of %s', (strategy) => {
  const { reserves, waitsForReplicas, perRegionBucket } = traitsOf(strategy);

  function limiterOf(more: Partial<LimiterOptions> = {}): Limiter {
    const limiter = createLimiter({
      ...{ strategy, policy: '5:1/h' },
      redis: { urls: [redis.url], ...(strategy === 'replica-reads' && { cluster: true }) },
      ...(waitsForReplicas && { replicas: 1 }),
      ...(perRegionBucket && { region: { name: 'us-east', others: {} } }),
      ...more,
    } as LimiterOptions);
    onTestFinished(() => limiter.close());
    return limiter;
  }

  it('is refused where the limiter cannot reserve, and only there', async () => {
    const code = await limiterOf()
      .reserve(ada)
      .then(
        () => 'reserved',
        (error: { code: string }) => error.code,
      );
    expect(code === 'INVALID_OPTION').toBe(!reserves);
    const wrappers = {
      none: limiterOf(),
      shadow: limiterOf({ shadow: true }),
      'a failure policy': limiterOf({ shadow: true, onFailure: 'open' }),
      metrics: withMetrics(limiterOf(), { meter: metrics.getMeter('x') }),
    };
    for (const [wrapper, limiter] of Object.entries(wrappers)) {
      const options = { limiter, subject, settle };
      const entries = [
        () => limitExpress(options),
        () => limitHono(options),
        () => limitFetch(() => new Response('x'), options),
      ];
      for (const made of entries) {
        if (reserves) expect(made, wrapper).not.toThrow();
        else expect(made, wrapper).toThrow(`found strategy ${strategy}`);
      }
    }
  });

  it('is refused on a route of Fastify too', async () => {
    const app = Fastify();
    onTestFinished(() => app.close());
    await app.register(limitFastify, { limiter: limiterOn(redis.url, '5:1/h'), subject, settle });
    const quota = { limiter: limiterOf() };
    const add = () => app.get('/', { config: { quota } }, async () => 'x');
    if (reserves) expect(add).not.toThrow();
    else expect(add).toThrow(`option limiter of config.quota must be able to reserve`);
  });
});
