import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { startTestCluster } from '../support/cluster.ts';
import { audited } from '../support/program-audits.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../audits');

let server: TestServer;
let cluster: readonly TestServer[];
beforeAll(async () => {
  [server, cluster] = await Promise.all([
    startTestServer('redis-server'),
    startTestCluster('redis-server', 3),
  ]);
});
afterAll(() => Promise.all([server, ...cluster].map((one) => one.stop())));

let opened = 0;

/** How the limiter of a file answers requests of one user. */
async function open(file: string, policy: string, servers: readonly TestServer[] = [server]) {
  const redis = {
    urls: servers.map(({ url }) => url),
    cluster: servers.length > 1,
    commandTimeoutMs: 10_000,
  };
  const places = { redis, region: 'a', prefix: `finding${opened++}`, nowMs: Date.now };
  const host = { env: { PATH: process.env.PATH ?? '' }, atExit: () => {} };
  const limiter = await openPlugin(join(FOLDER, file), { policies: parsePolicies(policy), ...places, host });
  onTestFinished(() => limiter.close());
  return (cost = 1) => limiter.take({ user: 'ada', endpoint: 'x' }, { cost });
}

async function sleep(ms: number) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

it('@upstash/ratelimit: tokenBucket adds the tokens of an interval all at once', async () => {
  const take = await open('upstash-token-bucket.mjs', '20:5/s');
  while ((await take()).allowed);
  const burst = async () => {
    while (!(await take()).allowed) await sleep(5);
    const started = performance.now();
    const next = [await take(), await take(), await take(), await take()];
    const isSooner = performance.now() - started < 800; // than four tokens, one every 200 ms
    return isSooner && next.every(({ allowed }) => allowed);
  };
  await expect.poll(burst, { timeout: 20_000 }).toBe(true);
});

it('@upstash/ratelimit: fixedWindow charges a request that it rejects', async () => {
  const take = await open('findings/upstash-rejected-request.mjs', '20:20/h');
  const answers = [await take(10), await take(15), await take(1)];
  expect(answers.map(({ allowed }) => allowed)).toEqual([true, false, false]);
});

it('koa-ratelimit: Retry-After ends before the oldest request leaves the window', async () => {
  const take = await open('koa-ratelimit.mjs', '5:5/h');
  const first = Date.now();
  for (let at = 0; at < 5; at++) await take();
  const { allowed, stated } = await take();
  const left = (first + 3_600_000 - Date.now()) / 1_000;
  expect([allowed, (stated?.retryAfterS ?? Number.POSITIVE_INFINITY) < left]).toEqual([false, true]);
});

it('bottleneck: on a cluster a job fails unless its id is in braces', async () => {
  const take = await open('findings/bottleneck-cluster.mjs', '20:4/s', cluster);
  await expect(take()).rejects.toThrow('CROSSSLOT');
  const braced = await open('bottleneck.mjs', '20:4/s', cluster);
  expect(await braced()).toMatchObject({ allowed: true });
});

it('@nest-lab/throttler-storage-redis: requests during a block are counted, and start the next one', async () => {
  const take = await open('findings/nestjs-throttler-redis.mjs', '20:20/h');
  const client = new Redis(server.url);
  onTestFinished(() => client.disconnect());
  const takes = async (count: number) => {
    let admitted = 0;
    for (let at = 0; at < count; at++) if ((await take()).allowed) admitted++;
    return admitted;
  };
  const end = async (of: 'hits' | 'blocked') =>
    client.del(await client.keys(`*${opened - 1}:ada:default}:${of}`));
  expect(await takes(21)).toBe(20);
  expect(await end('hits')).toBe(1); // as after ttl
  expect(await takes(21)).toBe(0);
  expect(await end('blocked')).toBe(1); // as after blockDuration
  expect(await takes(1)).toBe(0);
});

it('nestjs-throttler-storage-redis: all that are in flight find the same room, until a script counts', async () => {
  const before = await open('nestjs-throttler-redis-0.1.mjs', '5:5/h');
  expect(await atOnce(before, 12)).toBe(12);
  expect(await atOnce(await open('nestjs-throttler-redis-0.3.mjs', '5:5/h'), 12)).toBe(5);
});

it.each(['counter', 'list'])('the pattern of INCR with a %s admits all that are in flight', async (kind) => {
  const take = await open(`redis-docs-incr-${kind}.mjs`, '5:5/h');
  expect(await atOnce(take, 12)).toBe(12);
});

it('the pattern of INCR with a window admits its limit of those in flight', async () => {
  expect(await atOnce(await open('redis-docs-incr-window.mjs', '5:5/h'), 12)).toBe(5);
});

const hasRuby = audited.some(({ file, isHere }) => file === 'rack-attack-rails.yaml' && isHere);

describe.runIf(hasRuby)('Rack::Attack', () => {
  it('with RedisCacheStore counts requests that begin a window together as one', async () => {
    const more = async () => (await atOnce(await open('rack-attack-rails.yaml', '5:5/h'), 20)) > 5;
    await expect.poll(more, { timeout: 40_000 }).toBe(true);
  });

  it('with a Redis client counts each of them', async () => {
    expect(await atOnce(await open('rack-attack-redis.yaml', '5:5/h'), 20)).toBe(5);
  });
});

/** How many of these requests at the same time are admitted. */
async function atOnce(take: () => Promise<{ readonly allowed: boolean }>, count: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => take()));
  return answers.filter(({ allowed }) => allowed).length;
}
