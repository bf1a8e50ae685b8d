import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster, createSentinel } from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { fromIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis } from '../../src/limiter/redis/node-redis/open.ts';
import type { ByHand } from '../support/by-hand.ts';
import { callCli } from '../support/call-cli.ts';
import { PRIMARY, startLoneSentinel } from '../support/sentinels.ts';

let sentinel: ByHand;
beforeAll(async () => {
  sentinel = await startLoneSentinel();
}, 60_000);
afterAll(() => sentinel.stop());

const HOST = '127.0.0.1';
const at = () => ({ host: HOST, port: sentinel.port });
const url = () => `redis://${HOST}:${sentinel.port}`;

function open(redis: LimiterOptions['redis']): Limiter {
  const limiter = createLimiter({ policy: '2:1/d', redis });
  onTestFinished(() => limiter.close());
  return limiter;
}

describe('the address of a Sentinel in place of that of a server', () => {
  const servers: [string, () => LimiterOptions['redis']][] = [
    ['addresses', () => ({ urls: [url()] })],
    ['ioredis', () => fromIoredis(new Redis({ ...at(), lazyConnect: true }))],
    ['node-redis', () => fromNodeRedis(createClient({ url: url() }))],
  ];

  it.each(servers)('is refused by ready(), with the way out: %s', async (_, redis) => {
    await expect(open(redis()).ready()).rejects.toMatchObject({
      code: 'REDIS_REFUSED',
      charge: 'none',
      message: `${HOST}:${sentinel.port} is a Sentinel, not the server with the buckets`,
      hint: expect.stringMatching(
        /^connect by the Sentinels: redis: { sentinel: { primary: 'mymaster' }, urls: /,
      ),
    });
  });

  it.each(servers)('charges nothing, and a take says how to connect: %s', async (_, redis) => {
    await expect(open(redis()).take({ user: 'ada', endpoint: 'search' })).rejects.toMatchObject({
      code: 'REDIS_REFUSED',
      charge: 'none',
      hint: expect.stringMatching(/^if this is a Sentinel, connect by the Sentinels: /),
    });
  });

  it.each<[string, () => LimiterOptions['redis']]>([
    ['addresses', () => ({ urls: [url()], cluster: true })],
    ['ioredis', () => fromIoredis(new Cluster([at()], { lazyConnect: true }))],
    ['node-redis', () => fromNodeRedis(createCluster({ rootNodes: [{ url: url() }] }))],
  ])('is hinted at by a client of a cluster: %s', async (_, redis) => {
    await expect(open(redis()).ready()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      hint: expect.stringMatching(/^if this is a Sentinel, connect by the Sentinels: /),
    });
  });

  it('is refused by inspect, which names the primary', async () => {
    const { code, stderr } = await callCli(['inspect', 'ada', '--cluster', url()]);
    expect(stderr).toContain(
      `is a Sentinel, which has no buckets; it knows the primary ${PRIMARY} at ${HOST}:1\n`,
    );
    expect(stderr).toContain('inspect <user> --cluster redis://host:port');
    expect(code).toBe(69);
  });
});

describe('a name that the Sentinels do not know', () => {
  it.each<[string, () => LimiterOptions['redis']]>([
    ['addresses', () => ({ urls: [url()], sentinel: { primary: 'nope' } })],
    ['ioredis', () => fromIoredis(new Redis({ name: 'nope', sentinels: [at()], lazyConnect: true }))],
    ['node-redis', () => fromNodeRedis(createSentinel({ name: 'nope', sentinelRootNodes: [at()] }))],
  ])('is what the hint asks to check: %s', async (_, redis) => {
    await expect(open(redis()).ready()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringContaining('No such'),
      hint: expect.stringMatching(/^check the name of the primary; those that a Sentinel knows: redis-cli /),
    });
  });
});
