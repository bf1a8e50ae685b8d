import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { RedisSource } from '../../src/limiter/redis/port.ts';
import { announceProxies, startTestCluster } from '../support/cluster.ts';
import { PORTS } from '../support/redis-ports.ts';
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';
import { storedBucket } from '../support/stored-bucket.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const KEY = 'rate:openclaw:ada:ratings';
/** Longer than a busy machine takes for a reply, and what a reply that never comes is waited for. */
const TIMEOUTS_MS = { 'cut-before-reply': 5_000, 'swallow-replies': 1_000 } as const;

const CASES = SERVERS.flatMap((command) => [
  { command, where: 'standalone', isCluster: false },
  { command, where: 'a cluster', isCluster: true },
]);

describe.each(CASES)(
  'when a reply of $command on $where is lost',
  { timeout: 90_000 },
  ({ command, isCluster }) => {
    let nodes: readonly TestServer[] = [];
    let proxies: RedisProxy[] = [];
    const limiters: Limiter[] = [];
    beforeAll(async () => {
      nodes = isCluster ? await startTestCluster(command, 2) : [await startTestServer(command)];
      proxies = isCluster
        ? await announceProxies(nodes)
        : await Promise.all(nodes.map(({ port }) => startRedisProxy(port)));
    });
    afterEach(async () => {
      for (const limiter of limiters.splice(0)) await limiter.close();
      for (const proxy of proxies) proxy.mode = 'pass';
      for (const { client } of nodes) await client.flushall();
    });
    afterAll(async () => {
      for (const proxy of proxies) await proxy.close();
      await Promise.all(nodes.map((node) => node.stop()));
    });

    /** Whole tokens that Redis holds for Ada; undefined while it holds none of her. */
    async function tokens({ policy }: Limiter): Promise<number | undefined> {
      for (const { client } of nodes) {
        if ((await client.exists(KEY).catch(() => 0)) === 0) continue;
        const [levelQuanta = Number.NaN] = (await storedBucket(client, KEY))?.levelsQuanta ?? [];
        return Math.floor(levelQuanta / policy.quantaPerToken);
      }
      return undefined;
    }

    async function open(redis: RedisSource): Promise<Limiter> {
      const limiter = createLimiter({ policy: '20:1/d', redis });
      limiters.push(limiter);
      await expect
        .poll(
          () =>
            limiter.ready().then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
      return limiter;
    }

    const choose = ({ standalone, cluster }: (typeof PORTS)[number], timeoutMs: number) => {
      const ports = proxies.map(({ port }) => port);
      return isCluster ? cluster(ports, timeoutMs) : standalone(ports[0] ?? 0, timeoutMs);
    };

    describe.each(PORTS)('by $name', (port) => {
      it.each(['cut-before-reply', 'swallow-replies'] as const)(
        'one take charges one token and says that a charge is possible; with an id the retry is the first admission: %s',
        async (mode) => {
          const limiter = await open(choose(port, TIMEOUTS_MS[mode]));
          expect(await limiter.take(ada)).toMatchObject({ allowed: true, remainingTokens: 19 });
          await limiter.take(ada, { decisionId: 'before' });
          const code = mode === 'cut-before-reply' ? 'REPLY_LOST' : 'REPLY_TIMEOUT';
          const lost = { cost: 2, decisionId: 'order-7' };

          for (const proxy of proxies) proxy.mode = mode;
          await expect(limiter.take(ada, lost)).rejects.toMatchObject({ code, charge: 'possible' });
          expect(await tokens(limiter)).toBe(16); // the script ran, once
          for (const proxy of proxies) {
            proxy.cut();
            proxy.mode = 'pass';
          }
          const again = () => limiter.take(ada, lost).catch(() => undefined);
          const first = { allowed: true, isRemembered: true, remainingTokens: 16 };
          await expect.poll(again, { timeout: 30_000 }).toMatchObject(first);
          expect(await tokens(limiter)).toBe(16);

          for (const proxy of proxies) proxy.mode = mode;
          await expect(limiter.take(ada)).rejects.toMatchObject({ code, charge: 'possible' });
          expect(await tokens(limiter)).toBe(15);
          for (const proxy of proxies) {
            proxy.cut();
            proxy.mode = 'pass';
          }
          await expect.poll(again, { timeout: 30_000 }).toMatchObject(first); // connected, and charging nothing
          expect((await limiter.peek(ada)).remainingTokens).toBe(15);
          expect(await limiter.take(ada)).toMatchObject({ allowed: true, remainingTokens: 14 });
        },
      );
    });
  },
);
