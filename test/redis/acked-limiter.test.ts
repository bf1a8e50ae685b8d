import { afterEach, describe, expect, it } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { type Replicated, startReplicated } from '../support/replicated.ts';
import { SERVERS } from '../support/server.ts';
import { storedBucket } from '../support/stored-bucket.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const KEY = 'rate:openclaw:ada:ratings';
const TIMEOUT_MS = 3_000;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe.each(SERVERS)(
  'a limiter whose writes are acknowledged by replicas of %s',
  { timeout: 60_000 },
  (command) => {
    async function start(): Promise<Replicated> {
      const rig = await startReplicated(command);
      ends.push(rig.stop);
      return rig;
    }

    function limit({ primary }: Replicated, more: Partial<LimiterOptions> = {}): Limiter {
      const redis = { urls: [primary.url], commandTimeoutMs: TIMEOUT_MS };
      const limiter = createLimiter({
        ...{ strategy: 'central', durability: 'acked', replicas: 1, redis, policy: '20:1/d' },
        ...more,
      } as LimiterOptions);
      ends.push(() => limiter.close());
      return limiter;
    }

    const NOT_ACKED = { code: 'NOT_ACKED', charge: 'possible' };
    /** Whole tokens that a server holds for Ada. */
    async function tokensIn({ client }: Replicated['replica'], { policy }: Limiter): Promise<number> {
      const [levelQuanta = Number.NaN] = (await storedBucket(client, KEY))?.levelsQuanta ?? [];
      return Math.floor(levelQuanta / policy.quantaPerToken);
    }

    it.each([
      { title: 'take by take', more: {} },
      { title: 'in batches', more: { batch: true } },
      {
        title: 'of several policies',
        more: { policy: undefined, policies: { burst: '20:1/d', daily: '90:1/d' } },
      },
    ])('has each admission on the replica when it is answered: $title', async ({ more }) => {
      const rig = await start();
      const limiter = limit(rig, more as Partial<LimiterOptions>);
      expect(limiter.strategy).toBe('acked');
      for (let left = 19; left >= 15; left--) {
        const { allowed, evidence } = await limiter.take(ada);
        expect([allowed, evidence.strategy, await tokensIn(rig.replica, limiter)]).toEqual([
          true,
          'acked',
          left,
        ]);
      }
      const many = await Promise.all(Array.from({ length: 25 }, () => limiter.take(ada)));
      expect(many.filter(({ allowed }) => allowed)).toHaveLength(15);
      expect(await tokensIn(rig.replica, limiter)).toBe(0);
    });

    it.each([
      { title: 'a take', ask: (limiter: Limiter) => limiter.take(ada) },
      { title: 'a take of a batch', more: { batch: true }, ask: (limiter: Limiter) => limiter.take(ada) },
      { title: 'a refund', ask: (limiter: Limiter) => limiter.refund(ada) },
      { title: 'a reset', ask: (limiter: Limiter) => limiter.reset(ada) },
      {
        title: 'an admission that another process has made and the replica does not have',
        before: (limiter: Limiter) => limiter.take(ada, { decisionId: 'order-7' }),
        ask: (limiter: Limiter) => limiter.take(ada, { decisionId: 'order-7' }),
      },
      {
        title: 'a refund that another process has made and the replica does not have',
        before: (limiter: Limiter) => limiter.refund(ada, { decisionId: 'order-7' }),
        ask: (limiter: Limiter) => limiter.refund(ada, { decisionId: 'order-7' }),
      },
    ])("does not count a write without the replica's confirmation: $title", async ({ ask, before, more }) => {
      const rig = await start();
      const [other, limiter] = [limit(rig), limit(rig, more)];
      await Promise.all([other.take(ada), limiter.take(ada)]); // connected, and something to refund
      rig.link.mode = 'hold-replies';
      if (before !== undefined) await expect(before(other)).rejects.toMatchObject(NOT_ACKED);
      await expect(ask(limiter)).rejects.toMatchObject(NOT_ACKED);
    });

    const job = { cost: 5, decisionId: 'job-7' };
    it("does not count an extension, a settlement or a repeated call without the replica's confirmation", async () => {
      const rig = await start();
      const limiters = [limit(rig), limit(rig), limit(rig), limit(rig)] as const;
      const ids = ['job-8', 'job-7', 'job-7'];
      const [one, two, three] = await Promise.all(
        ids.map((decisionId, i) => limiters[i]?.reserve(ada, { ...job, decisionId })),
      );
      rig.link.mode = 'hold-replies';
      const calls = [one?.extend(1), two?.settle(2), three?.settle(2), limiters[3].reserve(ada, job)];
      const answers = await Promise.allSettled(calls);
      for (const answer of answers) expect(answer).toMatchObject({ reason: NOT_ACKED });
    });

    it('denies without waiting for replicas', async () => {
      const rig = await start();
      const limiter = limit(rig);
      await limiter.take(ada, { cost: 20 });
      rig.link.mode = 'hold-replies';
      expect((await limiter.take(ada)).allowed).toBe(false);
    });

    it('forgets, at a failover, nothing that it has admitted', async () => {
      const rig = await start();
      const limiter = limit(rig);
      const outcomes: unknown[] = [];
      const ask = async () => {
        for (let i = 0; i < 3; i++)
          outcomes.push(
            await limiter.take(ada).then(
              ({ allowed }) => allowed,
              () => 'undecided',
            ),
          );
      };
      setTimeout(() => {
        rig.link.mode = 'hold-replies';
      }, 5);
      await Promise.all(Array.from({ length: 4 }, ask));
      await rig.replica.client.replicaof('NO', 'ONE');
      const admitted = outcomes.filter((outcome) => outcome === true).length;
      const known =
        (await storedBucket(rig.replica.client, KEY)) === undefined
          ? 0
          : 20 - (await tokensIn(rig.replica, limiter));
      expect(known).toBeGreaterThanOrEqual(admitted);
    });
  },
);

it.each([
  { title: 'no option replicas', more: { durability: 'acked' }, says: /option replicas is required/ },
  {
    title: 'no replicas',
    more: { durability: 'acked', replicas: 0 },
    says: /replicas must be 1 to 100; found 0/,
  },
  {
    title: 'another durability',
    more: { durability: 'fsync', replicas: 1 },
    says: /found "fsync" with central/,
  },
  {
    title: 'another strategy',
    more: { strategy: 'article', durability: 'acked', replicas: 1 },
    says: /found "acked" with article/,
  },
])('refuses $title', ({ more, says }) => {
  const redis = { urls: ['redis://127.0.0.1:1'] };
  expect(() => createLimiter({ policy: '20:5/s', redis, ...more } as LimiterOptions)).toThrow(says);
});
