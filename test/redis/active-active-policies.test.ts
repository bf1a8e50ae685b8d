import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makePolicy, type Policy, parsePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import { loadScript, policyArgs } from '../../src/limiter/redis/script.ts';
import type { ActiveActiveLimiter } from '../../src/limiter/strategies/active-active/active-active.ts';
import { grainUsOf } from '../support/active-active/window.ts';
import { Fraction } from '../support/policy-change/fraction.ts';
import { IdealBucket } from '../support/policy-change/ideal-bucket.ts';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { policies } from '../support/take-walk.ts';

/*
 * Two policies on one prefix, as in a deploy of a change. The agreement with the model in TypeScript, and its bound in several
 * regions, are in active-active-agrees.test.ts and test/unit/active-active-bucket.test.ts.
 */
const EXTREMES: readonly (readonly [Policy, Policy])[] = [
  [parsePolicy('1000:1/h'), parsePolicy('5:5/s')],
  [parsePolicy('20:5/s'), parsePolicy('50:5/s')],
  [parsePolicy('1000000:1000000/s'), parsePolicy('5:1/d')],
  [makePolicy(50, { tokens: 1_000_003, perUs: 999_979 }), parsePolicy('61:100/min')],
];
const PAIRS = 30;
const STEPS_PER_PAIR = 80;
const MAX_AGE_US = 1_000_000;
const subject = { user: 'ada', endpoint: 'x' };

describe.each(SERVERS)('regions of two policies on %s', { timeout: 120_000 }, (command) => {
  let here: SteppableServer;
  let there: SteppableServer;
  beforeAll(async () => {
    [here, there] = await Promise.all([startSteppableServer(command), startSteppableServer(command)]);
  });
  beforeEach(() => here.setClockOffsetUs(0));
  afterAll(() => Promise.all([here?.stop(), there?.stop()]));

  const takeScript = loadScript('active-take');
  const takeBy = (policy: Policy, costTokens: number, keys: readonly string[]) => {
    const cost = String(costTokens * policy.quantaPerToken);
    const args = [...policyArgs(policy), cost, '1', '0', String(MAX_AGE_US), '1000', 'spends'];
    return here.client.eval(takeScript.source, keys.length, ...keys, ...args) as Promise<number[]>;
  };

  it('admit in one region no more than an ideal bucket of the larger of both, and a grain of refill', async () => {
    const random = makeRandom(20_261_128, 'active-active pairs');
    const seen = { allowed: 0, denied: 0, expired: 0 };
    const drawn = fc.sample(fc.tuple(policies, policies), { numRuns: PAIRS, seed: 20_261_128 });
    for (const [index, pair] of [...drawn, ...EXTREMES].entries()) {
      const keys = ['region', 'outbox', 'bucket'].map((key) => `{pair:${index}}:${key}`);
      const ideal = new IdealBucket(pair);
      const fullUs = Math.max(...pair.map((policy) => policy.capacityQuanta / policy.quantaPerUs));
      // A take may share the entry of an earlier one, since its own policy was not full meanwhile: the other may have been.
      const grain = pair
        .map(({ quantaPerUs, quantaPerToken }) =>
          Fraction.of(quantaPerUs * grainUsOf(MAX_AGE_US), quantaPerToken),
        )
        .reduce((most, other) => (most.isBelow(other) ? other : most));
      let offsetUs = 0;
      for (let step = 0; step < STEPS_PER_PAIR; step++) {
        offsetUs +=
          random() < 0.4 ? 0 : Math.floor(Math.min(1e12, random() ** 3 * 2 * fullUs + random() * MAX_AGE_US));
        here.setClockOffsetUs(offsetUs);
        const policy = pair[random() < 0.5 ? 0 : 1];
        const cost = 1 + Math.floor(random() ** 3 * policy.capacityTokens);
        if ((await here.client.exists(keys[2] ?? '')) === 0) seen.expired++;
        const [allowed, levelQuanta = 0, , atUs = 0] = await takeBy(policy, cost, keys);
        seen[allowed === 1 ? 'allowed' : 'denied']++;
        ideal.take(Fraction.of(allowed === 1 ? cost : 0), atUs);
        const where = `pair ${index} step ${step}: ${JSON.stringify({ pair, cost, allowed, levelQuanta })}`;
        expect(ideal.isBelow(Fraction.of(levelQuanta, policy.quantaPerToken).minus(grain)), where).toBe(
          false,
        );
      }
    }
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(PAIRS);
  });

  function open(
    name: string,
    own: SteppableServer,
    other: SteppableServer,
    policy: string,
  ): ActiveActiveLimiter {
    const at = ({ url }: SteppableServer) => ({ urls: [url], commandTimeoutMs: 10_000 });
    const region = { name, everyMs: 20, others: { [name === 'here' ? 'there' : 'here']: at(other) } };
    const limiter = createLimiter({ policy, strategy: 'active-active', redis: at(own), region });
    onTestFinished(() => limiter.close());
    return limiter as ActiveActiveLimiter;
  }
  const left = async (limiter: ActiveActiveLimiter) => (await limiter.peek(subject)).remainingTokens;

  it.each([
    ['1000:1/h', '1000:700/d'],
    ['1000:700/d', '1000:1/h'],
    ['1000:1/h', '600:1/h'],
  ])(
    'count the tokens of the others, with %s here and %s there, and keep them when they change',
    async (one, other) => {
      await Promise.all([here.client.flushall(), there.client.flushall()]);
      const most = Number(other.split(':')[0]);
      const [ours, theirs] = [open('here', here, there, one), open('there', there, here, other)];
      for (const cost of [100, 3]) await ours.take(subject, { cost });
      for (const cost of [40, 7]) await theirs.take(subject, { cost });
      await vi.waitUntil(async () => (await left(ours)) === 850, { timeout: 20_000 });
      await vi.waitUntil(async () => (await left(theirs)) === most - 150, { timeout: 20_000 });
      const changed = open('here', here, there, other);
      expect(await left(changed)).toBe(most === 1_000 ? 850 : 450);
      await changed.take(subject, { cost: 50 });
      await vi.waitUntil(async () => (await left(theirs)) === most - 200, { timeout: 20_000 });
      expect(await left(ours)).toBeLessThanOrEqual(800);
    },
  );

  describe('of the version before units', () => {
    const keys = ['{rate:openclaw}:region', '{rate:openclaw}:outbox', '{rate:openclaw}:ada:x'] as const;
    const tokenUs = 3_600_000_000; // of 1000:1/h
    const nowUs = () => Date.now() * 1_000;

    it('have buckets that are read by the own policy', async () => {
      await Promise.all([here.client.flushall(), there.client.flushall()]);
      const before = Buffer.alloc(16 + 28);
      for (const [i, number] of [
        nowUs() - 50_000_000,
        500 * tokenUs,
        nowUs() - 1_000_000,
        20 * tokenUs,
        7,
      ].entries())
        before.writeDoubleLE(number, 8 * i);
      before.writeUInt32LE(9, 40);
      await here.client.set(keys[2], before);
      const ours = open('here', here, there, '1000:1/h');
      expect(await left(ours)).toBe(480);
      expect((await ours.take(subject, { cost: 5 })).remainingTokens).toBe(475);
      expect(await here.client.strlen(keys[2])).toBe(48 + 2 * 28);
      expect(await left(open('here', here, there, '1000:700/d'))).toBe(475);
    });

    it('have spends that are read by the own policy', async () => {
      await Promise.all([here.client.flushall(), there.client.flushall()]);
      const spend = ['b', keys[2], 'c', 1_000 * tokenUs, 'r', 1, 'a', nowUs(), 'q', 30 * tokenUs, 'e', 7];
      await there.client.hset(keys[0], '.life', '7', '.primary', await primaryOf(there));
      await there.client.xadd(keys[1], '0-*', ...spend.map(String));
      const ours = open('here', here, there, '1000:1/h');
      await vi.waitUntil(async () => (await left(ours)) === 970, { timeout: 20_000 });
      expect(await here.client.strlen(keys[2])).toBe(16 + 28); // its unit is not known
      expect((await ours.take(subject)).remainingTokens).toBe(969);
      expect(await left(open('here', here, there, '1000:700/d'))).toBe(969);
    });
  });
});

async function primaryOf({ client }: SteppableServer): Promise<string> {
  return /master_replid:(\w+)/.exec(await client.info('replication'))?.[1] ?? '';
}
