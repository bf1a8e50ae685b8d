import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Limiter, TakeOptions } from '../../../src/limiter/limiter.ts';
import { withMetrics } from '../../../src/metrics/with-metrics.ts';
import { freePort } from '../../support/free-port.ts';
import { holderOn } from '../../support/lease/holder-on.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startRedisProxy } from '../../support/redis-proxy.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const subject = { user: 'ada-lovelace', endpoint: 'search-of-ada' };
const DURATION = 'openclaw_rl.limiter.decision.duration';

/** A meter of the SDK, and what it has measured so far, by the names of the metrics. */
function measuring() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  const measured = async (): Promise<Record<string, MetricData>> => {
    await provider.forceFlush();
    const metrics =
      exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return Object.fromEntries(metrics.map((metric) => [metric.descriptor.name, metric]));
  };
  return { meter: provider.getMeter('test'), measured };
}

/** Takes, and gives what was counted: attributes without the common beginning of their names, and how often. */
async function countsOf(limiter: Limiter, takes: readonly TakeOptions[] = [{}]) {
  const { meter, measured } = measuring();
  const measuredLimiter = withMetrics(limiter, { meter });
  for (const options of takes) await measuredLimiter.take(subject, options).catch(() => {});
  const metrics = await measured();
  return { counts: countsIn(metrics), metrics };
}

function countsIn(metrics: Record<string, MetricData>) {
  const counts = metrics[DURATION]?.dataPoints.map(({ attributes, value }) => [
    Object.entries(attributes)
      .map(([name, attribute]) => `${name.replace('openclaw_rl.', '')}=${attribute}`)
      .join(' '),
    (value as { count: number }).count,
  ]);
  return Object.fromEntries(counts ?? []);
}

describe('metrics of a limiter', () => {
  it('count allowed and denied takes, by source', async () => {
    const { counts } = await countsOf(limiterOn(redis.url, '2:1/h'), [{}, {}, {}]);
    expect(counts).toEqual({ 'outcome=allowed source=redis': 2, 'outcome=denied source=redis': 1 });
  });

  it('count reservations and extensions, and no settlements', async () => {
    const { meter, measured } = measuring();
    const limiter = withMetrics(limiterOn(redis.url, '3:1/h'), { meter });
    const reservation = await limiter.reserve(subject, { cost: 2 });
    await reservation.extend(1);
    await reservation.extend(1);
    expect((await reservation.settle(1)).level?.remainingTokens).toBe(2);
    expect(countsIn(await measured())).toEqual({
      'outcome=allowed source=redis': 2,
      'outcome=denied source=redis': 1,
    });
  });

  it('distinguish a local answer from one of Redis', async () => {
    const limiter = limiterOn(redis.url, '1:1/h', { localAnswers: {} });
    const { counts } = await countsOf(limiter, [{}, {}, {}]);
    expect(counts).toMatchObject({ 'outcome=denied source=redis': 1, 'outcome=denied source=local': 1 });
  });

  it('count the decisions of tryTake, and not those left to take', async () => {
    const { meter, measured } = measuring();
    const limiter = withMetrics(holderOn(redis.url, '20:1/h'), { meter });
    expect(limiter.tryTake(subject)).toBeUndefined(); // nothing is lent yet
    expect((await limiter.take(subject)).allowed).toBe(true);
    expect(limiter.tryTake(subject)?.allowed).toBe(true);
    expect(() => limiter.tryTake(subject, { cost: 21 })).toThrow(/21/);
    expect(countsIn(await measured())).toEqual({
      'outcome=allowed source=lease': 2,
      'outcome=invalid error.type=COST_ABOVE_CAPACITY charge=none': 1,
    });
  });

  it('say whether the home of the bucket decided, where that is known', async () => {
    const limiter = limiterOn(redis.url, '20:1/h');
    const home = { region: 'us-east', slot: 0, key: '' };
    const nodesOf = (nodes: readonly string[] | undefined): Limiter => ({
      ...limiter,
      homeOf: () => nodes && { ...home, nodes },
    });
    const here = await countsOf(nodesOf([`127.0.0.1:${redis.port}`]));
    expect(here.counts).toEqual({ 'outcome=allowed source=redis home=here': 1 });
    const away = await countsOf(nodesOf(['127.0.0.1:1']));
    expect(away.counts).toEqual({ 'outcome=allowed source=redis home=away': 1 });
    for (const nodes of [[], undefined])
      expect((await countsOf(nodesOf(nodes))).counts).toEqual({ 'outcome=allowed source=redis': 1 });
  });

  it('count takes that only shadow mode allowed, and the reason', async () => {
    const { counts } = await countsOf(limiterOn(redis.url, '1:1/h', { shadow: true }), [{}, {}]);
    expect(counts).toEqual({ 'outcome=allowed source=redis': 1, 'outcome=shadow source=redis': 1 });
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    const undecided = await countsOf(limiterOn(nowhere, '1:1/h', { shadow: true }));
    expect(undecided.counts).toEqual({
      'outcome=shadow source=fallback error.type=REDIS_UNREACHABLE charge=none': 1,
    });
  });

  it('count undecided takes, by code and charge', async () => {
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    expect((await countsOf(limiterOn(nowhere, '1:1/h'))).counts).toEqual({
      'outcome=unavailable error.type=REDIS_UNREACHABLE charge=none': 1,
    });
    const proxy = await startRedisProxy(redis.port);
    onTestFinished(() => proxy.close());
    const limiter = limiterOn(`redis://127.0.0.1:${proxy.port}`, '5:1/h');
    await limiter.ready();
    proxy.mode = 'cut-before-reply';
    expect((await countsOf(limiter)).counts).toEqual({
      'outcome=unavailable error.type=REPLY_LOST charge=possible': 1,
    });
    const broken = { ...limiter, take: () => Promise.reject(new TypeError('a bug')) };
    expect((await countsOf(broken)).counts).toEqual({
      'outcome=unavailable error.type=_OTHER charge=possible': 1,
    });
  });

  it('count decisions of a failure policy, by its error', async () => {
    const nowhere = limiterOn(`redis://127.0.0.1:${await freePort()}`, '1:1/h', {
      onFailure: { localShare: 1 },
    });
    expect((await countsOf(nowhere, [{}, {}])).counts).toEqual({
      'outcome=allowed source=fallback error.type=REDIS_UNREACHABLE charge=none': 1,
      'outcome=denied source=fallback error.type=REDIS_UNREACHABLE charge=none': 1,
    });
  });

  it('distinguish invalid requests from unavailable decisions', async () => {
    const { counts } = await countsOf(limiterOn(redis.url, '2:1/h'), [{ cost: 3 }, { cost: 0 }]);
    expect(counts).toEqual({
      'outcome=invalid error.type=COST_ABOVE_CAPACITY charge=none': 1,
      'outcome=invalid error.type=INVALID_COST charge=none': 1,
    });
  });

  it('have how long each took, in seconds', async () => {
    const { meter, measured } = measuring();
    const slow = limiterOn(redis.url, '5:1/h');
    await slow.ready();
    const take: Limiter['take'] = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return slow.take(...args);
    };
    const before = performance.now();
    await withMetrics({ ...slow, take }, { meter }).take(subject);
    const atMostS = (performance.now() - before) / 1_000;
    const { descriptor, dataPoints } = (await measured())[DURATION] ?? {};
    expect(descriptor?.unit).toBe('s');
    const [{ attributes, value } = {}] = dataPoints ?? [];
    expect(attributes).toEqual({ 'openclaw_rl.outcome': 'allowed', 'openclaw_rl.source': 'redis' });
    const {
      count,
      sum = 0,
      buckets,
    } = value as { count: number; sum?: number; buckets: { boundaries: number[] } };
    expect(count).toBe(1);
    expect(sum).toBeGreaterThanOrEqual(0.029);
    expect(sum).toBeLessThanOrEqual(atMostS);
    expect(buckets.boundaries.slice(0, 2)).toEqual([0.0005, 0.001]);
  });

  it('have the attributes that were given, and no user or endpoint', async () => {
    const { meter, measured } = measuring();
    const limiter = withMetrics(limiterOn(redis.url, '1:1/h'), {
      meter,
      attributes: { limiter: 'searches' },
    });
    await limiter.take(subject);
    const metrics = await measured();
    expect(metrics[DURATION]?.dataPoints[0]?.attributes).toMatchObject({ limiter: 'searches' });
    expect(JSON.stringify(metrics)).not.toMatch(/ada/);
  });

  it('change nothing of the answer, of the error, or of the other methods', async () => {
    const limiter = limiterOn(redis.url, '2:1/h');
    const { meter } = measuring();
    const measured = withMetrics(limiter, { meter });
    expect(await measured.take(subject)).toMatchObject({ allowed: true, remainingTokens: 1 });
    expect(await measured.peek(subject)).toMatchObject({ remainingTokens: 1 });
    await expect(measured.take(subject, { cost: 3 })).rejects.toMatchObject({ code: 'COST_ABOVE_CAPACITY' });
    expect(Object.keys(measured).sort()).toEqual(Object.keys(limiter).sort());
  });
});
