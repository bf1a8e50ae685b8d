import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import { localAnswerBound } from '../../src/limiter/wrappers/local-answers.ts';
import { freePort } from '../support/free-port.ts';
import { SERVERS } from '../support/server.ts';
import { ada, KEY, steppableLimiters } from '../support/steppable-limiters.ts';
import { storedBucket } from '../support/stored-bucket.ts';

const BOTH = { policies: { burst: '10:10/d', hourly: '12:1/d' } } as const;

describe.each(SERVERS)('on %s a limiter', (command) => {
  const limiters = steppableLimiters(command);
  const limit: typeof limiters.limit = (options) => limiters.limit(options);
  const levels = async () => (await storedBucket(limiters.server.client, KEY))?.levelsQuanta;
  const bytes = async () => [
    await limiters.server.client.getBuffer(KEY),
    await limiters.server.client.call('PEXPIRETIME', KEY),
  ];

  describe('with several policies', () => {
    const dayUs = 86_400_000_000;

    it('charges all of them in one key', async () => {
      const decision = await limit(BOTH).take(ada, { cost: 4 });
      expect(decision).toMatchObject({
        allowed: true,
        remainingTokens: 6,
        retryAfterUs: 0,
        policies: [
          { policy: 'burst', remainingTokens: 6, retryAfterUs: 0 },
          { policy: 'hourly', remainingTokens: 8, retryAfterUs: 0 },
        ],
      });
      expect(decision.evidence).not.toHaveProperty('levelQuanta'); // a history has one level for one bucket
      expect(await limiters.server.client.keys('*')).toEqual([KEY]);
      expect(await levels()).toEqual([(6 * dayUs) / 10, 8 * dayUs]);
    });

    it.each([
      { title: 'the first', cost: { burst: 7, hourly: 1 }, waits: ['burst'] },
      { title: 'the second', cost: { burst: 1, hourly: 9 }, waits: ['hourly'] },
      { title: 'both', cost: 10, waits: ['burst', 'hourly'] },
    ])('charges none if $title would deny, and names policy and wait', async ({ cost, waits }) => {
      const limiter = limit(BOTH);
      await limiter.take(ada, { cost: 4 });
      const before = await bytes();
      const denied = await limiter.take(ada, { cost });
      expect(denied.allowed).toBe(false);
      const waiting = denied.policies?.filter(({ retryAfterUs }) => retryAfterUs > 0);
      expect(waiting?.map(({ policy }) => policy)).toEqual(waits);
      expect(denied.retryAfterUs).toBe(Math.max(...(waiting ?? []).map(({ retryAfterUs }) => retryAfterUs)));
      expect(await bytes()).toEqual(before);
    });

    it('keeps the key until the slower one is full', async () => {
      await limit(BOTH).take(ada);
      expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(86_400_000);
    });

    it('takes a policy that was added since for a full one', async () => {
      await limit({ policies: { burst: '10:10/d' } }).take(ada, { cost: 9 });
      const { policies } = await limit(BOTH).take(ada);
      expect(policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([0, 11]);
    });

    it.each([
      { title: 'no policy', options: { policies: {} }, says: /at least one policy/ },
      {
        title: 'more than 100',
        options: { policies: manyPolicies(101) },
        says: /at most 100 policies; found 101/,
      },
      { title: 'a bad name', options: { policies: { 'a b': '1:1/s' } }, says: /a policy's name is/ },
      {
        title: 'a policy too',
        options: { policy: '1:1/s', policies: { a: '1:1/s' } } as never,
        says: /mutually exclusive/,
      },
    ])('is refused with $title', ({ options, says }) => expect(() => limit(options)).toThrow(says));

    it('refuses a cost for a policy that it does not have', async () => {
      const limiter = limit(BOTH);
      await expect(limiter.take(ada, { cost: { hourly: 1, minutely: 1 } })).rejects.toThrow(
        /a cost must name one of burst, hourly; found "?minutely/,
      );
      expect(await limiters.server.client.dbsize()).toBe(0);
    });
  });

  it('has other policies for some subjects', async () => {
    const limiter = limit({
      ...BOTH,
      overrides: ({ user }) => (user === 'big' ? { burst: '500:10/d' } : undefined),
    });
    const remaining = async (user: string) =>
      (await limiter.take({ user, endpoint: 'e' })).policies?.map((part) => part.remainingTokens);
    expect(await remaining('small')).toEqual([9, 11]);
    expect(await remaining('big')).toEqual([499, 11]);
    expect(
      limiter.policiesOf({ user: 'big', endpoint: 'e' }).map(({ policy }) => policy.capacityTokens),
    ).toEqual([500, 12]);
    const wrong = limit({ ...BOTH, overrides: () => ({ daily: '1:1/d' }) });
    await expect(wrong.take(ada)).rejects.toMatchObject({ code: 'INVALID_OPTION', charge: 'none' });
  });

  describe('gives tokens back', () => {
    it('and returns the level afterwards, at most the capacity', async () => {
      const limiter = limit({ policy: '10:1/d' });
      await limiter.take(ada, { cost: 7 });
      expect((await limiter.refund(ada, { cost: 3 })).remainingTokens).toBe(6);
      expect((await limiter.refund(ada, { cost: 10 })).remainingTokens).toBe(10);
      expect((await limiter.take(ada, { cost: 10 })).allowed).toBe(true);
      expect((await limiter.take(ada)).allowed).toBe(false);
    });
    it('to every policy', async () => {
      const limiter = limit(BOTH);
      await limiter.take(ada, { cost: 5 });
      const { policies } = await limiter.refund(ada, { cost: { burst: 1, hourly: 2 } });
      expect(policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([6, 9]);
    });
    it('to no full bucket', async () => {
      await limit({ policy: '10:1/d' }).refund(ada);
      expect(await limiters.server.client.dbsize()).toBe(0);
    });
    it('once for one decision id', async () => {
      const limiter = limit({ policy: '10:1/d' });
      await limiter.take(ada, { cost: 7, decisionId: 'order-7' });
      const refund = async () =>
        (await limiter.refund(ada, { cost: 2, decisionId: 'order-7' })).remainingTokens;
      expect([await refund(), await refund(), await refund()]).toEqual([5, 5, 5]);
    });
  });

  it('fills a bucket when it is reset', async () => {
    const limiter = limit(BOTH);
    await limiter.take(ada, { cost: 10 });
    await limiter.reset(ada);
    expect((await limiter.peek(ada)).policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([
      10, 12,
    ]);
  });

  describe('with a decision id', () => {
    it('returns the first admission again and charges no more tokens, even after other takes', async () => {
      const limiter = limit({ policy: '10:1/d' });
      const first = await limiter.take(ada, { cost: 2, decisionId: 'a' });
      await limiter.take(ada, { cost: 8 });
      const before = await bytes();
      const again = await limiter.take(ada, { cost: 2, decisionId: 'a' });
      expect(again).toEqual({ ...first, isRemembered: true });
      expect(await bytes()).toEqual(before);
      expect(first.evidence).toMatchObject({ levelQuanta: 8 * parsePolicy('10:1/d').quantaPerToken });
    });
    it('does so for several policies', async () => {
      const limiter = limit(BOTH);
      const first = await limiter.take(ada, { cost: { burst: 3 }, decisionId: 'a' });
      await limiter.take(ada);
      expect(await limiter.take(ada, { cost: { burst: 3 }, decisionId: 'a' })).toEqual({
        ...first,
        isRemembered: true,
      });
    });
    it('writes nothing when it denies, and may allow later', async () => {
      const limiter = limit({ policy: '1:1/h' });
      await limiter.take(ada);
      expect((await limiter.take(ada, { decisionId: 'a' })).allowed).toBe(false);
      expect(await limiters.server.client.dbsize()).toBe(1);
      limiters.server.setClockOffsetUs(3_600_000_000);
      expect(await limiter.take(ada, { decisionId: 'a' })).not.toHaveProperty('isRemembered');
    });
    it('keeps ids of other subjects apart, and forgets after its memory', async () => {
      const limiter = limit({ policy: '10:1/d', decisionMemoryMs: 2_000 });
      await limiter.take(ada, { decisionId: 'a' });
      const other = await limiter.take({ ...ada, user: 'bob' }, { decisionId: 'a' });
      expect(other).not.toHaveProperty('isRemembered');
      limiters.server.setClockOffsetUs(3_000_000);
      expect(await limiter.take(ada, { decisionId: 'a' })).not.toHaveProperty('isRemembered');
    });
    it.each(['', 'a b', '{x}', 'x'.repeat(129)])('refuses %j', async (decisionId) => {
      const limiter = limit({ policy: '10:1/d' });
      await expect(limiter.take(ada, { decisionId })).rejects.toMatchObject({ charge: 'none' });
      expect(await limiters.server.client.dbsize()).toBe(0);
    });
  });

  it('in batches decides as alone, in the order of the calls, each key and cost for itself', async () => {
    const limiter = limit({ policy: '20:1/d', batch: true });
    await limiter.ready();
    await limiters.server.client.config('RESETSTAT');
    const users = Array.from({ length: 150 }, (_, i) => ({ user: `u${i % 3}`, endpoint: 'e' }));
    const decisions = await Promise.all(
      users.map((subject, i) => limiter.take(subject, { cost: 1 + (i % 2) })),
    );
    const calls = /cmdstat_eval(?:sha)?:calls=(\d+)/.exec(
      await limiters.server.client.info('commandstats'),
    )?.[1];
    expect(Number(calls)).toBeLessThan(10);
    for (const user of ['u0', 'u1', 'u2']) {
      let left = 20;
      for (const [i, { allowed, remainingTokens }] of decisions.entries()) {
        if (users[i]?.user !== user) continue;
        const cost = 1 + (i % 2);
        expect(allowed).toBe(left >= cost);
        if (allowed) left -= cost;
        expect(remainingTokens).toBe(left);
      }
      expect(left).toBe(0);
    }
  });

  it.each([
    { what: 'a list', make: (key: string) => limiters.server.client.rpush(key, 'theirs') },
    { what: 'a short text', make: (key: string) => limiters.server.client.set(key, 'theirs') },
  ])('in batches charges no subject if one key is $what of another program', async ({ make }) => {
    await make('rate:openclaw:bob:ratings');
    const limiter = limit({ policy: '20:1/d', batch: true });
    await limiter.ready();
    const users = ['ada', 'bob', 'cy'].map((user) => ({ user, endpoint: 'ratings' }));
    const answers = await Promise.allSettled(users.map((subject) => limiter.take(subject)));
    for (const answer of answers)
      expect(answer).toMatchObject({ reason: { code: 'REDIS_WRONG_TYPE', charge: 'none' } });
    expect(await limiters.server.client.dbsize()).toBe(1);
  });

  it('does not spend the id of a refund that could not be made', async () => {
    const limiter = limit({ policy: '20:1/d' });
    await limiters.server.client.set(KEY, 'of another');
    await expect(limiter.refund(ada, { decisionId: 'order-7' })).rejects.toMatchObject({ charge: 'none' });
    await limiters.server.client.del(KEY);
    await limiter.take(ada, { cost: 5 });
    expect((await limiter.refund(ada, { cost: 2, decisionId: 'order-7' })).remainingTokens).toBe(17);
  });

  describe('in shadow mode', () => {
    it('allows a take that it would deny, and reports it', async () => {
      const limiter = limit({ policy: '2:1/d', shadow: true });
      const answers = [await limiter.take(ada), await limiter.take(ada), await limiter.take(ada)];
      expect(answers.map(({ allowed, shadow }) => [allowed, shadow])).toEqual([
        [true, undefined],
        [true, undefined],
        [true, 'denied'],
      ]);
      expect(answers[2]?.retryAfterUs).toBeGreaterThan(0);
    });
    it('allows a take that it cannot decide', async () => {
      const limiter = createLimiter({
        policy: '2:1/d',
        shadow: true,
        redis: { urls: [`redis://127.0.0.1:${await freePort()}`] },
      });
      onTestFinished(() => limiter.close());
      expect(await limiter.take(ada)).toMatchObject({ allowed: true, shadow: 'REDIS_UNREACHABLE' });
      expect(await limiter.take(ada, { cost: 3 })).toMatchObject({ shadow: 'COST_ABOVE_CAPACITY' });
    });
  });

  describe('with local answers', () => {
    it('asks no more while the bucket is certainly still too empty, and takes the cost into account', async () => {
      const limiter = limit({ policy: '10:1/d', localAnswers: { forMs: 60_000 } });
      await limiter.take(ada, { cost: 7 });
      const source = async (cost: number) => (await limiter.take(ada, { cost })).evidence.source;
      expect(await source(8)).toBe('redis'); // a denial: three tokens are left
      expect([await source(8), await source(4), await source(3)]).toEqual(['local', 'local', 'redis']);
      expect([await source(4), await source(1)]).toEqual(['local', 'redis']);
    });
    it('is false no longer than it declares, after tokens came from elsewhere', async () => {
      const forMs = 2_000;
      const limiter = limit({ policy: '10:1/d', localAnswers: { forMs } });
      const elsewhere = limit('10:1/d');
      await elsewhere.ready();
      await limiter.take(ada, { cost: 10 });
      expect((await limiter.take(ada)).allowed).toBe(false);
      await elsewhere.reset(ada);
      const sinceMs = performance.now();
      let [falseForMs, isAllowed] = [0, false];
      while (!isAllowed) {
        const askedMs = performance.now();
        isAllowed = (await limiter.take(ada)).allowed;
        if (!isAllowed) falseForMs = askedMs - sinceMs; // what a take waits on a busy machine is not its doing
        await sleep(1);
      }
      expect(falseForMs).toBeGreaterThan(0);
      expect(falseForMs * 1_000).toBeLessThan(localAnswerBound({ forMs }).falseForUs);
    });
    it('hears of refunds and resets of its own at once', async () => {
      const limiter = limit({ policy: '10:1/d', localAnswers: { forMs: 60_000 } });
      await limiter.take(ada, { cost: 10 });
      expect([(await limiter.take(ada)).allowed, (await limiter.take(ada)).evidence.source]).toEqual([
        false,
        'local',
      ]);
      await limiter.refund(ada);
      expect((await limiter.take(ada)).allowed).toBe(true);
    });
    it('asks for a decision by id, which may have been admitted before', async () => {
      const limiter = limit({ policy: '1:1/d', localAnswers: { forMs: 60_000 } });
      await limiter.take(ada, { decisionId: 'a' });
      await limiter.take(ada);
      expect((await limiter.take(ada)).evidence.source).toBe('local');
      expect(await limiter.take(ada, { decisionId: 'a' })).toMatchObject({
        allowed: true,
        isRemembered: true,
      });
    });
  });
});

function manyPolicies(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, number) => [`p${number}`, '1:1/h']));
}
