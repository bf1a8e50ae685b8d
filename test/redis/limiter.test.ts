import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OpenclawError } from '../../src/core/errors.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { timeToFullUs } from '../../src/core/retry-after.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { bucketKey } from '../../src/limiter/options/key.ts';
import { connectIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { createArticle } from '../../src/limiter/strategies/article.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { storedBucket } from '../support/stored-bucket.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const KEY = 'rate:openclaw:ada:ratings';
const policy = parsePolicy('20:5/s');

describe.each(SERVERS)('the central limiter on %s', (command) => {
  let server: SteppableServer;
  let limiter: Limiter;
  /** Its level is what it was a moment ago, on a busy machine, too. */
  let slow: Limiter;
  beforeAll(async () => {
    server = await startSteppableServer(command);
    const redis = { urls: [server.url], commandTimeoutMs: 10_000 };
    limiter = createLimiter({ policy, redis });
    slow = createLimiter({ policy: '20:1/h', redis });
    await Promise.all([limiter.ready(), slow.ready()]);
  });
  beforeEach(async () => {
    server.setClockOffsetUs(0);
    await server.client.flushall();
  });
  afterAll(async () => {
    await Promise.all([limiter?.close(), slow?.close()]);
    await server?.stop();
  });

  it('admits the capacity, then denies with a retry time', async () => {
    const remaining: unknown[] = [];
    for (let i = 0; i < 20; i++) remaining.push((await limiter.take(ada)).remainingTokens);
    expect(remaining[0]).toBe(19);
    const denied = await limiter.take(ada, { cost: 20 });
    expect(denied.allowed).toBe(false);
    expect(denied.retryAfterUs).toBeGreaterThan(0);
    expect(denied.retryAfterUs).toBeLessThanOrEqual(4_000_000);
  });

  it('reports node and time: the level after is the stored one', async () => {
    const { evidence } = await limiter.take(ada, { cost: 3 });
    expect(evidence).toMatchObject({
      strategy: 'central',
      source: 'redis',
      node: `127.0.0.1:${server.port}`,
    });
    const { levelQuanta, bucketUs } = evidence;
    expect(await storedBucket(server.client, KEY)).toEqual({
      updatedAtUs: bucketUs,
      levelsQuanta: [levelQuanta],
    });
    expect(evidence.atUs).toBe(evidence.bucketUs);
  });

  it('writes nothing when it denies: the bytes and the expiry of the key are unchanged', async () => {
    await limiter.take(ada, { cost: 20 });
    const state = async () => [await server.client.dump(KEY), await server.client.call('PEXPIRETIME', KEY)];
    const before = await state();
    for (let i = 0; i < 50; i++) expect((await limiter.take(ada, { cost: 20 })).allowed).toBe(false);
    expect(await state()).toEqual(before);
  });

  it('never lets a key expire before its bucket is full, whichever way the clock steps', async () => {
    const random = makeRandom(3, command);
    const filling = createLimiter({
      policy: '50:0.3/s',
      redis: { urls: [server.url], commandTimeoutMs: 10_000 },
    });
    for (let step = 0; step < 1_000; step++) {
      server.setClockOffsetUs(Math.floor((random() - 0.5) * 1e8));
      const { allowed, evidence } = await filling.take(ada, { cost: 1 + Math.floor(random() * 10) });
      if (!allowed) continue;
      const fullAtUs = (evidence.bucketUs ?? 0) + timeToFullUs(evidence.levelQuanta ?? 0, filling.policy);
      expect(Number(await server.client.call('PEXPIRETIME', KEY)) * 1_000).toBeGreaterThan(fullAtUs);
    }
    await filling.close();
  });

  it('adds nothing and rewinds nothing when the clock steps back', async () => {
    await slow.take(ada, { cost: 20 });
    const stored = await server.client.getBuffer(KEY);
    server.setClockOffsetUs(-3_600_000_000);
    const denied = await slow.take(ada);
    expect(denied.allowed).toBe(false);
    const tokenUs = 3_600_000_000; // and the hour back, less what has passed between the two
    expect(denied.retryAfterUs).toBeGreaterThan(tokenUs + tokenUs / 2);
    expect(denied.retryAfterUs).toBeLessThanOrEqual(2 * tokenUs);
    expect(await server.client.getBuffer(KEY)).toEqual(stored);
  });

  it('peeks without taking or writing', async () => {
    expect(await slow.peek(ada)).toMatchObject({
      remainingTokens: 20,
      timeToNextTokenUs: 0,
      timeToFullUs: 0,
    });
    expect(await server.client.exists(KEY)).toBe(0);
    await slow.take(ada, { cost: 20 });
    const { remainingTokens, timeToNextTokenUs } = await slow.peek(ada);
    expect(remainingTokens).toBe(0);
    expect(timeToNextTokenUs).toBeGreaterThan(0);
    expect(timeToNextTokenUs).toBeLessThanOrEqual(3_600_000_000);
  });

  it.each([0, -1, 0.5, Number.NaN, 21, 1e300])('refuses a cost of %s and charges nothing', async (cost) => {
    const error: OpenclawError = await limiter.take(ada, { cost }).catch((reason) => reason);
    expect(error).toMatchObject({ name: 'OpenclawError', charge: 'none' });
    expect(error.code).toMatch(/COST/);
    expect(await server.client.dbsize()).toBe(0);
  });

  it.each(['', 'x'.repeat(10_240), 'a\nb'])('refuses a bad subject and charges nothing', async (user) => {
    await expect(limiter.take({ user, endpoint: 'e' })).rejects.toMatchObject({
      code: 'INVALID_SUBJECT',
      charge: 'none',
    });
    expect(await server.client.dbsize()).toBe(0);
  });

  it('recovers by itself when the server has forgotten its scripts', async () => {
    await slow.take(ada);
    await server.client.script('FLUSH');
    expect((await slow.take(ada)).remainingTokens).toBe(18);
  });

  it('answers a thousand takes at once exactly', async () => {
    const decisions = await Promise.all(Array.from({ length: 1_000 }, () => limiter.take(ada)));
    const allowed = decisions.filter((decision) => decision.allowed).length;
    expect(allowed).toBeGreaterThanOrEqual(20);
    expect(allowed).toBeLessThanOrEqual(20 + 5 * 5); // five seconds of refill at the very most
  });
});

describe.each(SERVERS)("the article's script on %s", (command) => {
  let server: SteppableServer;
  beforeAll(async () => {
    server = await startSteppableServer(command);
  });
  afterAll(() => server?.stop());

  it('does as printed: whole seconds, floor, no write on a denial, no expiry but ceil(capacity / rate)', async () => {
    const clock = { ms: 1_000_999 };
    const slow = parsePolicy('3:0.5/s');
    const redis = connectIoredis({ urls: [server.url], commandTimeoutMs: 10_000 });
    const limiter = createArticle({
      redis,
      policy: slow,
      policiesOf: () => [{ name: 'default', policy: slow }],
      keyOf: (subject) => bucketKey('p', subject),
      nowMs: () => clock.ms,
    });
    const take = async () => (await limiter.take(ada)).allowed;
    const stored = () => server.client.hmget('p:ada:ratings', 'tokens', 'timestamp');

    expect([await take(), await take(), await take(), await take()]).toEqual([true, true, true, false]);
    expect(await stored()).toEqual(['0', '1000']);
    expect(await server.client.ttl('p:ada:ratings')).toBe(6);
    clock.ms = 1_001_999; // half a token: floored away, nothing written
    expect(await take()).toBe(false);
    expect(await stored()).toEqual(['0', '1000']);
    clock.ms = 1_002_000; // one token, after 1.001 seconds of real time
    expect([await take(), await take()]).toEqual([true, false]);
    expect(await stored()).toEqual(['0', '1002']);
    clock.ms = 900_000; // a clock behind refills nothing and is not written
    expect(await take()).toBe(false);
    await expect(limiter.take(ada, { cost: 2 })).rejects.toThrow(/exactly one token/);
    await expect(limiter.peek(ada)).rejects.toThrow(/cannot read a level/);
    await limiter.close();
  });
});
