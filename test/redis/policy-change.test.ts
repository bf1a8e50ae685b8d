import { describe, expect, it } from 'vitest';
import { formatPolicy, makePolicy, type Policy, parsePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import type { TakeOptions } from '../../src/limiter/limiter.ts';
import { type Version, walkPair } from '../support/policy-change/walk.ts';
import { type SeveralVersion, walkSeveralPolicies } from '../support/policy-change/walk-several.ts';
import { SERVERS } from '../support/server.ts';
import { ada, KEY, steppableLimiters } from '../support/steppable-limiters.ts';
import { packBucket, packUnits, storedBucket } from '../support/stored-bucket.ts';

/** Tiny and huge units, equal ones of other capacities, coprime ones, and pairs whose products pass 2^53. */
const POLICIES: readonly Policy[] = [
  parsePolicy('1:1/d'),
  parsePolicy('1000:1/h'),
  parsePolicy('5:5/s'),
  parsePolicy('20:5/s'),
  parsePolicy('61:100/min'),
  parsePolicy('1000000:1000000/s'),
  makePolicy(2 ** 40, '1000/s'),
  makePolicy(2 ** 40, { tokens: 3, perUs: 1 }),
  makePolicy(50, { tokens: 7, perUs: 999_983 }),
  makePolicy(50, { tokens: 1_000_003, perUs: 999_979 }),
  makePolicy(4_096, { tokens: 1, perUs: 2 ** 40 - 87 }),
  makePolicy(1, { tokens: 1, perUs: 2 ** 52 - 1 }),
  makePolicy(3, { tokens: 2 ** 31 - 1, perUs: 86_400_000_001 }),
];
const STEPS_PER_PAIR = 100;
const SECOND_US = 1_000_000;

describe.each(SERVERS)('on %s a policy that changes', (command) => {
  const limiters = steppableLimiters(command);
  let ids = 0;

  it('keeps the tokens of every pair, to the quantum, and mints none', { timeout: 180_000 }, async () => {
    const versions = POLICIES.map((policy): Version => {
      return { policy, single: limiters.limit({ policy }), batched: limiters.limit({ policy, batch: true }) };
    });
    const random = makeRandom(20_261_128, 'pairs');
    const counts = { allowed: 0, denied: 0, refunded: 0, peeked: 0, expired: 0, changes: 0 };
    for (const [i, one] of versions.entries())
      for (const [j, other] of versions.entries()) {
        if (i === j) continue;
        const user = `${formatPolicy(one.policy)} ${formatPolicy(other.policy)}`;
        await walkPair(limiters.server, [one, other], { user, steps: STEPS_PER_PAIR, random, counts });
      }
    for (const [kind, times] of Object.entries(counts)) expect(times, kind).toBeGreaterThan(50);
  });

  it('keeps the tokens of several that change together', { timeout: 180_000 }, async () => {
    const random = makeRandom(20_261_128, 'several');
    const draw = () => POLICIES[Math.floor(random() * POLICIES.length)] as Policy;
    const counts = { allowed: 0, denied: 0 };
    for (let i = 0; i < 60; i++) {
      const [one, other] = [draw, draw].map((next): SeveralVersion => {
        const policies = Array.from({ length: 2 + (i % 3) }, next);
        const named = Object.fromEntries(policies.map((policy, place) => [`p${place}`, policy]));
        return { policies, limiter: limiters.limit({ policies: named }) };
      }) as [SeveralVersion, SeveralVersion];
      const { allowed, denied } = await walkSeveralPolicies(limiters.server, [one, other], {
        user: `several-${i}`,
        steps: 40,
        random,
      });
      counts.allowed += allowed;
      counts.denied += denied;
    }
    for (const [kind, times] of Object.entries(counts)) expect(times, kind).toBeGreaterThan(200);
  });

  it('does not refill the larger bucket when the key of the smaller one would expire', async () => {
    const [large, small] = [limiters.limit('1000:1/h'), limiters.limit('5:5/s')];
    await large.take(ada, { cost: 1_000 });
    limiters.server.setClockOffsetUs(SECOND_US);
    expect((await small.take(ada)).remainingTokens).toBe(4);
    limiters.server.setClockOffsetUs(5 * SECOND_US);
    expect((await large.peek(ada)).remainingTokens).toBe(4);
    expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(190_000); // 1000 tokens by 5/s
  });

  it('keeps a key as long as PSETEX can, where it takes longer to fill', async () => {
    await limiters.limit({ policy: makePolicy(2 ** 40, '1000/s') }).take(ada, { cost: 2 ** 40 });
    limiters.server.setClockOffsetUs(2 * 86_400 * SECOND_US);
    expect(await limiters.limit('1:1/d').take(ada)).toMatchObject({ allowed: true });
    expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(2 ** 52);
  });

  it('answers a repeated take as it was, in the units of the new policy', async () => {
    await limiters.limit('1000:1/h').take(ada, { cost: 997, decisionId: 'a' });
    const again = await limiters.limit('5:5/s').take(ada, { cost: 1, decisionId: 'a' });
    expect(again).toMatchObject({ allowed: true, isRemembered: true, remainingTokens: 3 });
  });

  describe('of several', () => {
    const levels = async (policies: Record<string, string>) => {
      const { policies: levels = [] } = await limiters.limit({ policies }).peek(ada);
      return levels.map(({ policy, remainingTokens }) => `${policy} ${remainingTokens}`);
    };
    const take = (policies: Record<string, string>, cost = 2) =>
      limiters.limit({ policies }).take(ada, { cost });
    it('keeps its tokens by its place, also under another name', async () => {
      await take({ burst: '10:1/h', hourly: '100:2/h' });
      expect(await levels({ second: '50:7/d', hour: '90:1/d' })).toEqual(['second 8', 'hour 90']);
      expect(await levels({ hourly: '100:2/h', burst: '10:1/h' })).toEqual(['hourly 8', 'burst 10']);
    });
    it('is full when it is added last, and forgotten once the others write without it', async () => {
      await take({ burst: '10:1/h', hourly: '100:2/h' });
      const three = { burst: '10:1/h', hourly: '100:2/h', daily: '500:3/h' };
      expect(await levels(three)).toEqual(['burst 8', 'hourly 98', 'daily 500']);
      await take(three);
      expect(await levels(three)).toEqual(['burst 6', 'hourly 96', 'daily 498']);
      await limiters.limit('10:1/h').take(ada);
      expect(await levels(three)).toEqual(['burst 5', 'hourly 100', 'daily 500']);
    });
  });

  interface Operation {
    readonly title: string;
    readonly isRefund?: boolean;
    act(options: TakeOptions): Promise<{ readonly remainingTokens?: number }>;
  }
  describe.each<Operation>([
    { title: 'a take', act: (options) => limiters.limit('20:1/d').take(ada, options) },
    {
      title: 'a batched take',
      act: (options) => limiters.limit({ policy: '20:1/d', batch: true }).take(ada, options),
    },
    {
      title: 'a take with a decision id',
      act: (options) => limiters.limit('20:1/d').take(ada, { ...options, decisionId: `${ids++}` }),
    },
    { title: 'a refund', isRefund: true, act: (options) => limiters.limit('20:1/d').refund(ada, options) },
  ])('$title', ({ act, isRefund = false }) => {
    const dayUs = 86_400 * SECOND_US;
    const nowUs = () => Date.now() * 1_000;
    /** Before the operation. */
    const tokensLeft = async () => ((await act({ cost: 1 })).remainingTokens ?? 0) + (isRefund ? -1 : 1);
    const set = (value: Buffer) => limiters.server.client.set(KEY, value);

    it('reads a value of before units by its own policy', async () => {
      await set(packBucket(nowUs(), 7 * dayUs));
      expect(await tokensLeft()).toBe(7);
      expect(await storedBucket(limiters.server.client, KEY)).toMatchObject({
        levelsQuanta: [expect.closeTo((isRefund ? 8 : 6) * dayUs, -10)],
      });
      expect(await limiters.server.client.strlen(KEY)).toBe(33);
    });

    const level = { levelQuanta: 7 * 3_600, quantaPerToken: 3_600, mostTokens: 1_000 };
    it('reads a value of another policy', async () => {
      await set(packUnits(nowUs(), [level]));
      expect(await tokensLeft()).toBe(7);
      expect(await tokensLeft()).toBe(isRefund ? 8 : 6);
      expect(await limiters.server.client.strlen(KEY)).toBe(33);
    });

    it('counts what an expired reservation held, once, and keeps the others', async () => {
      const expired = [1, nowUs() - 1, 2];
      const open = [2, nowUs() + 40 * dayUs, 9];
      await set(packUnits(nowUs(), [level], [expired, open]));
      expect((await limiters.limit('20:1/d').peek(ada)).remainingTokens).toBe(9);
      expect(await tokensLeft()).toBe(9);
      const kept = await limiters.server.client.getBuffer(KEY);
      expect(kept?.length).toBe(33 + 24);
      expect([0, 1, 2].map((i) => kept?.readDoubleLE(32 + 8 * i))).toEqual(open);
      expect((await limiters.limit('20:1/d').peek(ada)).remainingTokens).toBe(isRefund ? 10 : 8);
      expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(39.9 * 86_400_000);
      limiters.server.setClockOffsetUs(41 * dayUs);
      expect((await limiters.limit('20:1/d').peek(ada)).remainingTokens).toBe(20); // at most the capacity
    });

    it('refuses a text of as many bytes, and leaves it', async () => {
      const text = Buffer.concat([Buffer.alloc(40, 'x'), Buffer.of(9)]);
      await set(text);
      await expect(act({ cost: 1 })).rejects.toMatchObject({ code: 'REDIS_WRONG_TYPE', charge: 'none' });
      expect(await limiters.server.client.getBuffer(KEY)).toEqual(text);
    });
  });
});
