import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makePolicy, type Policy, parsePolicy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { levelNow, readStored } from '../../src/limiter/inspect/stored.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import { advance, type Home } from '../../src/limiter/strategies/lease/home.ts';
import { readReply, requestArgs } from '../../src/limiter/strategies/lease/home-client.ts';
import type { LeaseLimiter } from '../../src/limiter/strategies/lease/lease.ts';
import { holderOn } from '../support/lease/holder-on.ts';
import { handle } from '../support/lease/home.ts';
import { drawRequest } from '../support/lease/requests.ts';
import { Fraction } from '../support/policy-change/fraction.ts';
import { IdealBucket } from '../support/policy-change/ideal-bucket.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { packBucket, packUnits } from '../support/stored-bucket.ts';
import { policies } from '../support/take-walk.ts';

/*
 * Two policies on one prefix, as in a deploy of a change: lua/lease.lua on a real server against test/support/lease/home.ts,
 * every reply to the last quantum, and against an ideal bucket of the larger capacity and the higher rate.
 */
const EXTREMES: readonly Policy[] = [
  parsePolicy('1000:1/h'),
  parsePolicy('5:5/s'),
  parsePolicy('1000000:1000000/s'),
  makePolicy(50, { tokens: 1_000_003, perUs: 999_979 }),
  makePolicy(1, { tokens: 1, perUs: 2 ** 52 - 1 }),
];
const RANDOM_PAIRS = 40;
const STEPS_PER_PAIR = 80;
const LONGEST_JUMP_US = 1e12;
const SECOND_US = 1_000_000;

describe.each(SERVERS)('leases of two policies on %s', { timeout: 180_000 }, (command) => {
  let server: SteppableServer;
  beforeAll(async () => {
    server = await startSteppableServer(command);
  });
  afterAll(() => server.stop());

  it('keep the tokens of every pair to the quantum, and lend no more than one ideal bucket has', async () => {
    const random = makeRandom(20_261_128, 'lease pairs');
    const seen = { granted: 0, returned: 0, changes: 0, expired: 0, denied: 0 };
    const drawn = fc.sample(fc.tuple(policies, policies), { numRuns: RANDOM_PAIRS, seed: 20_261_128 });
    const extremes = EXTREMES.flatMap((one) =>
      EXTREMES.filter((other) => other !== one).map((other) => [one, other] as const),
    );
    for (const [index, pair] of [...drawn, ...extremes].entries())
      await walk({ server, pair, random, key: `pair:${index}`, seen });
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(RANDOM_PAIRS / 2);
  });

  describe('of processes', () => {
    it.each([
      ['20:1/d', '5:1/h'],
      ['5:1/h', '20:1/d'],
      ['1000:1/h', '5:5/s'],
      ['30:10/s', '10:30/s'],
      ['8:1/s', '8:2/s'],
    ])('admit, with %s and %s side by side, no more than the larger of both', async (one, other) => {
      server.setClockOffsetUs(0);
      const user = `${one} ${other}`.replaceAll(':', '-');
      const startMs = performance.now();
      const limiters = [one, other, one].map((policy) =>
        holderOn(server.url, policy, { lease: { leaseMs: 300, marginMs: 50 } }),
      );
      await Promise.all(limiters.map((limiter) => limiter.ready()));
      let admitted = 0;
      const take = async (limiter: LeaseLimiter) => {
        const { allowed } = await limiter.take({ user, endpoint: 'ratings' }).catch((error) => {
          if (error.code === 'NO_LEASE') return { allowed: false }; // a reply was later than the lease
          throw error;
        });
        if (allowed) admitted++;
      };
      while (performance.now() - startMs < 1_500) {
        await Promise.all(limiters.map(take));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const both = [one, other].map(parsePolicy);
      const capacity = Math.max(...both.map(({ capacityTokens }) => capacityTokens));
      const perSecond = Math.max(...both.map(({ refill }) => (refill.tokens * SECOND_US) / refill.perUs));
      const seconds = (performance.now() - startMs) / 1_000;
      expect(admitted).toBeLessThanOrEqual(capacity + perSecond * seconds);
      expect(admitted).toBeGreaterThan(Math.min(...both.map(({ capacityTokens }) => capacityTokens)) / 2);
    });
  });

  describe('read', () => {
    const policy = parsePolicy('20:1/d');
    const dayUs = 86_400 * SECOND_US;
    const terms = { policy, leaseUs: SECOND_US, marginUs: 1_000 };
    const script = loadScript('lease');
    const ask = async (value: Buffer, request: Partial<Parameters<typeof requestArgs>[0]> = {}) => {
      server.setClockOffsetUs(0);
      const key = 'read:u:e';
      onTestFinished(() => server.client.del(key).then(() => {}));
      await server.client.set(key, value);
      const asked = {
        holder: 7,
        lease: 1,
        seq: 4,
        used: 0,
        returned: 0,
        want: 20,
        need: 0,
        sentAtUs: 0,
        ...request,
      };
      const reply = readReply(
        (await server.client.eval(script.source, 1, key, ...requestArgs(asked, terms))) as number[],
        asked,
      );
      return { reply, stored: await server.client.getBuffer(key) };
    };
    const nowUs = () => Date.now() * 1_000;

    it('a value of before units by their own policy, with its loans', async () => {
      const account = [7, 1, 3, 12, 5, 1, nowUs() + 60 * SECOND_US];
      const { reply, stored } = await ask(packBucket(nowUs(), 7 * dayUs, ...account));
      expect(reply).toMatchObject({ account: 'open', granted: 12 + 7, borrowers: 1 });
      expect(stored?.length).toBe(33 + 56);
      expect(
        levelNow(readStored({ value: stored, fields: null, ttlMs: 1 }), [policy], {
          nodeUs: nowUs(),
          serviceUs: 0,
          ttlMs: 1,
        }),
      ).toMatchObject({
        lent: { tokens: 13, holders: 1 },
      });
    });

    const ofOther = { levelQuanta: 7 * 3_600, quantaPerToken: 3_600, mostTokens: 1_000 };
    it.each([
      ['a value of before units without loans', () => packBucket(nowUs(), 7 * dayUs), 12.9],
      ['a value of another policy', () => packUnits(nowUs(), [ofOther]), 990],
      [
        'the first of several policies',
        () => packUnits(nowUs(), [ofOther, { ...ofOther, levelQuanta: 0 }]),
        990,
      ],
      ['a value with reservations', () => packUnits(nowUs(), [ofOther], [[1, nowUs() + dayUs, 9]]), 990],
    ])('%s', async (_, value, days) => {
      const { reply } = await ask(value(), { seq: 1, want: 3 });
      expect(reply).toMatchObject({ account: 'open', granted: 3 });
      expect(reply.levelQuanta / dayUs).toBeCloseTo(4, 5);
      const ttlMs = await server.client.pttl('read:u:e');
      expect(ttlMs).toBeGreaterThan(days * 86_400_000); // until it is full for every policy that wrote it
    });
  });
});

interface Walk {
  readonly server: SteppableServer;
  readonly pair: readonly [Policy, Policy];
  readonly random: Random;
  readonly key: string;
  readonly seen: Record<'granted' | 'returned' | 'changes' | 'expired' | 'denied', number>;
}

async function walk({ server, pair, random, key, seen }: Walk): Promise<void> {
  const script = loadScript('lease');
  await server.client.script('LOAD', script.source);
  const ideal = new IdealBucket(pair);
  const fullUs = Math.ceil(Math.max(...pair.map((policy) => policy.capacityQuanta / policy.quantaPerUs)));
  const leaseUs = 1 + Math.floor(Math.min(fullUs, 1e12) * random());
  /** Without an end: whether the key has expired is seen. */
  let home: Home | undefined;
  let expiresAtUs = 0;
  let offsetUs = 0;
  for (let step = 0; step < STEPS_PER_PAIR; step++) {
    offsetUs += random() < 0.5 ? 0 : Math.floor(Math.min(LONGEST_JUMP_US, random() ** 3 * 2 * fullUs));
    server.setClockOffsetUs(offsetUs);
    const ttlMs = await server.client.pttl(key);
    if (ttlMs >= 0 && ttlMs < 500) continue; // it could expire before the next call
    const policy = pair[random() < 0.5 ? 0 : 1];
    const terms = { policy, leaseUs, marginUs: 1_000 };
    const request = drawRequest(pair[random() < 0.5 ? 0 : 1], random); // its holder may have had the other policy
    const args = requestArgs(request, terms);
    const reply = readReply((await server.client.evalsha(script.sha, 1, key, ...args)) as number[], request);
    const { atUs } = reply;
    if (ttlMs === -2 && home !== undefined) {
      expect(atUs).toBeGreaterThanOrEqual(expiresAtUs + SECOND_US - 1_000);
      seen.expired++;
      home = undefined;
    }
    if (home !== undefined && home.quantaPerToken !== policy.quantaPerToken) seen.changes++;
    const where = `${key} step ${step}: ${JSON.stringify({ request, terms, home })}`;
    const before = advance(home, policy, atUs);
    const expected = handle(home, request, { terms, nowUs: atUs });
    expect(reply, where).toEqual(expected.reply);
    const moved = before.levelQuanta - reply.levelQuanta;
    ideal.take(Fraction.of(moved, policy.quantaPerToken), atUs);
    expect(ideal.isBelow(Fraction.of(reply.levelQuanta, policy.quantaPerToken)), where).toBe(false);
    if (moved > 0) seen.granted++;
    else if (moved < 0) seen.returned++;
    else if (request.want > 0) seen.denied++;
    if (!expected.isWritten || expected.home === undefined) continue;
    expiresAtUs = expected.home.keyExpiresAtUs;
    home = { ...expected.home, keyExpiresAtUs: Number.POSITIVE_INFINITY };
  }
}
