import { afterEach, describe, expect, it } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { readHomes } from '../../src/limiter/homes/homes.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { recordKey } from '../../src/limiter/options/key.ts';
import type { RedisSource } from '../../src/limiter/redis/port.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import { asCluster, CLIENTS, Regions, sourceOf, TABLE } from '../support/rehome/two-homes.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const REFUSED = [
  { state: 'closed', code: 'BUCKET_MOVING', message: 'move 7 of this bucket has not ended' },
  { state: 'moved', code: 'BUCKET_MOVED', message: 'move 7 took this bucket away from 127.0.0.1:' },
] as const;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const CALLS: readonly (readonly [
  name: string,
  options: Partial<LimiterOptions>,
  (by: Limiter) => Promise<unknown>,
])[] = [
  ['a take', {}, (limiter) => limiter.take(ada)],
  ['a take with an id', {}, (limiter) => limiter.take(ada, { decisionId: 'new' })],
  ['a take of a batch', { batch: true }, (limiter) => limiter.take(ada)],
  ['a take of several policies', { policies: { a: '20:1/h', b: '9:1/h' } }, (limiter) => limiter.take(ada)],
  ['a peek', {}, (limiter) => limiter.peek(ada)],
  ['a refund', {}, (limiter) => limiter.refund(ada)],
  ['a refund with an id', {}, (limiter) => limiter.refund(ada, { decisionId: 'new' })],
  ['a reset', {}, (limiter) => limiter.reset(ada)],
  ['a reservation', {}, (limiter) => limiter.reserve(ada)],
  ['a reservation that expires', {}, (limiter) => limiter.reserve(ada, { expiresMs: 1_000 })],
  ['a take of a lease', { strategy: 'lease', replicas: 0 }, (limiter) => limiter.take(ada)],
  ['a peek of a lease', { strategy: 'lease', replicas: 0 }, (limiter) => limiter.peek(ada)],
];

async function start(command: string) {
  const server = await startTestServer(command);
  ends.push(server.stop);
  const homes = { ...TABLE, regionOf: new Regions().regionOf };
  const limiterBy = (source: RedisSource, options: Partial<LimiterOptions> = {}): Limiter => {
    const policy = 'policies' in options ? {} : { policy: '20:1/h' };
    const redis = asCluster(source, source);
    const limiter = createLimiter({ ...policy, redis, homes, prefix: 'p', ...options } as LimiterOptions);
    ends.push(() => limiter.close());
    return limiter;
  };
  return { server, limiterBy, key: readHomes(homes, 'p').keyIn(ada, 'east') };
}

/** Puts a mark of move 7 in the place of the bucket. */
async function mark({ client }: TestServer, key: string, state: 'closed' | 'moved'): Promise<void> {
  const step = async (name: string, ...args: (string | number)[]) =>
    client.eval(loadScript(name).source, 2, key, recordKey(key), 7, 60_000, ...args);
  if (state === 'closed') await step('rehome-close');
  else await step('rehome-leave', 0, -1, 20_000_000, 5, 1_000_000);
}

describe.each(SERVERS)('a mark of a move, on %s', { timeout: 60_000 }, (command) => {
  describe.each(REFUSED)('$state', ({ state, code, message }) => {
    it.each(CLIENTS)('refuses every call of %s, and stays', async (client) => {
      const { server, limiterBy, key } = await start(command);
      await mark(server, key, state);
      const before = await server.client.getBuffer(key);
      expect(before).toHaveLength(9);
      const keys = await server.client.dbsize();
      for (const [name, options, call] of CALLS) {
        const limiter = limiterBy(sourceOf(client, server.port), options);
        const refused = { code, charge: 'none', message: expect.stringContaining(message) };
        await expect(call(limiter), name).rejects.toMatchObject(refused);
      }
      expect(await server.client.getBuffer(key)).toEqual(before);
      expect(await server.client.dbsize()).toBe(keys);
    });

    it('refuses extension and settlement of a reservation, whose tokens stay spent', async () => {
      const { server, limiterBy, key } = await start(command);
      const limiter = limiterBy(sourceOf('ioredis', server.port));
      const [held, settled] = [await limiter.reserve(ada, { cost: 5 }), await limiter.reserve(ada)];
      const settlement = await settled.settle(0);
      await mark(server, key, state);
      await expect(held.extend(1)).rejects.toMatchObject({ code, charge: 'none' });
      await expect(held.settle(1)).rejects.toMatchObject({ code, charge: 'none' });
      await expect(settled.settle(0)).resolves.toEqual({ ...settlement, isRemembered: true });
    });

    it('answers a take that it knows by its id from memory', async () => {
      const { server, limiterBy, key } = await start(command);
      const limiter = limiterBy(sourceOf('ioredis', server.port));
      const first = await limiter.take(ada, { decisionId: 'order-7' });
      await mark(server, key, state);
      const again = await limiter.take(ada, { decisionId: 'order-7' });
      expect(again).toEqual({ ...first, isRemembered: true });
    });

    it('fails no other take of its batch', async () => {
      const { server, key } = await start(command);
      await mark(server, key, state);
      const policy = [20_000_000, 5, 1_000_000, 1_000_000];
      const args = [...policy, ...policy, ...policy, ...policy];
      const { source } = loadScript('take-each');
      const reply = await server.client.eval(source, 4, 'other', key, 'other', key, ...args);
      const marked = [state === 'closed' ? 2 : 3, 7, 0, 0];
      expect((reply as number[]).slice(5, 9)).toEqual(marked);
      expect((reply as number[]).slice(13)).toEqual(marked);
      expect([(reply as number[])[1], (reply as number[])[9]]).toEqual([1, 1]);
    });
  });
});
