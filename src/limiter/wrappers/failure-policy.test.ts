import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenclawError } from '../../core/errors.ts';
import { parsePolicy } from '../../core/policy.ts';
import type { Limiter } from '../limiter.ts';
import { systemSurroundings } from '../system-surroundings.ts';
import { decideOnFailure, type FailurePolicies } from './failure-policy.ts';

const ada = { user: 'ada', endpoint: 'e' };

/** A store that cannot decide, behind failure policies and a clock of the test's. */
function setUp(
  onFailure: FailurePolicies,
  policies: Readonly<Record<string, string>> = { default: '20:5/s' },
  error = new OpenclawError('REDIS_CLUSTER_DOWN', 'down'),
) {
  const clock = { us: 0 };
  const named = Object.entries(policies).map(([name, text]) => ({ name, policy: parsePolicy(text) }));
  const store = {
    strategy: 'central',
    policiesOf: () => named,
    take: () => Promise.reject(error),
  } as unknown as Limiter;
  const surroundings = { ...systemSurroundings, time: { ...systemSurroundings.time, nowUs: () => clock.us } };
  const limiter = decideOnFailure(store, { onFailure, names: Object.keys(policies) }, surroundings);
  const admitted = async (times: number, subject = ada) => {
    let count = 0;
    for (let i = 0; i < times; i++) if ((await limiter.take(subject)).allowed) count++;
    return count;
  };
  return { clock, limiter, admitted };
}

describe('while the store cannot decide', () => {
  it('closed rejects with the error', async () => {
    await expect(setUp('closed').limiter.take(ada)).rejects.toMatchObject({ code: 'REDIS_CLUSTER_DOWN' });
  });

  it('open allows, and reports it', async () => {
    expect(await setUp('open').limiter.take(ada, { cost: 20 })).toEqual({
      allowed: true,
      undecided: 'REDIS_CLUSTER_DOWN',
      evidence: { strategy: 'central', node: 'none', source: 'fallback', charge: 'none' },
    });
  });

  it.each([
    ['REPLY_TIMEOUT', 'possible'],
    ['REPLY_LOST', 'possible'],
    ['NOT_ACKED', 'possible'],
    ['REDIS_UNREACHABLE', 'none'],
    ['NO_LEASE', 'none'],
  ] as const)('reports after %s that a charge is %s, allowed or denied', async (code, charge) => {
    const { limiter } = setUp({ localShare: 20 }, undefined, new OpenclawError(code, 'no answer'));
    for (const allowed of [true, false])
      expect(await limiter.take(ada)).toMatchObject({ allowed, undecided: code, evidence: { charge } });
  });

  it('a local share is a third of the capacity and of the refill, in whole tokens', async () => {
    const { clock, limiter, admitted } = setUp({ localShare: 3 });
    expect(await limiter.take(ada)).toMatchObject({
      allowed: true,
      remainingTokens: 5,
      undecided: 'REDIS_CLUSTER_DOWN',
    });
    expect(await admitted(10)).toBe(5);
    expect(await limiter.take(ada)).toMatchObject({ allowed: false, retryAfterUs: 600_000 });
    clock.us = 599_999;
    expect(await admitted(1)).toBe(0);
    clock.us = 600_000;
    expect(await admitted(2)).toBe(1);
    expect(await admitted(10, { ...ada, user: 'bob' })).toBe(6);
  });

  it('a share never holds some costs, and then it is closed', async () => {
    const { limiter } = setUp({ localShare: 3 });
    expect((await limiter.take(ada, { cost: 6 })).allowed).toBe(true);
    await expect(limiter.take(ada, { cost: 7 })).rejects.toMatchObject({ code: 'REDIS_CLUSTER_DOWN' });
    await expect(setUp({ localShare: 21 }).limiter.take(ada)).rejects.toThrow('down');
  });

  it('each policy has its own, and all must allow', async () => {
    const policies = { burst: '4:1/s', hourly: '10:10/h' };
    expect(await setUp({ burst: 'open', hourly: { localShare: 2 } }, policies).admitted(9)).toBe(5);
    const both = setUp({ burst: { localShare: 2 }, hourly: { localShare: 2 } }, policies);
    expect(await both.admitted(9)).toBe(2);
    both.clock.us = 20_000_000; // the burst is full again, and what it denied did not cost the hour
    expect(await both.admitted(9)).toBe(2);
    await expect(setUp({ burst: 'open' }, policies).limiter.take(ada)).rejects.toThrow('down');
  });

  it.each(['INVALID_COST', 'COST_ABOVE_CAPACITY', 'INVALID_SUBJECT', 'LIMITER_CLOSED'] as const)(
    'a mistake of the caller is passed on unchanged: %s',
    async (code) => {
      const { limiter } = setUp('open', undefined, new OpenclawError(code, 'wrong'));
      await expect(limiter.take(ada)).rejects.toMatchObject({ code });
    },
  );

  it('an error of overrides or costs does not hide that a charge is possible', async () => {
    const lost = new OpenclawError('REPLY_LOST', 'lost');
    for (const mistake of ['INVALID_OPTION', 'COST_ABOVE_CAPACITY'] as const) {
      const store = {
        strategy: 'central',
        policiesOf: () => {
          throw new OpenclawError(mistake, 'overrides have changed');
        },
        take: () => Promise.reject(lost),
      } as unknown as Limiter;
      const limiter = decideOnFailure(store, { onFailure: 'open', names: ['default'] }, systemSurroundings);
      await expect(limiter.take(ada)).rejects.toBe(lost);
    }
  });

  it('names which of several policies denies', async () => {
    const policies = { burst: '4:1/s', hourly: '2:2/h' };
    const { limiter, admitted } = setUp({ burst: 'open', hourly: { localShare: 1 } }, policies);
    expect(await admitted(3)).toBe(2);
    expect((await limiter.take(ada)).policies).toMatchObject([{ policy: 'hourly', remainingTokens: 0 }]);
    expect(await setUp({ localShare: 2 }).limiter.take(ada)).not.toHaveProperty('policies');
  });

  it('a bug is not allowed through', async () => {
    const bug = new TypeError('bug') as unknown as OpenclawError;
    await expect(setUp('open', undefined, bug).limiter.take(ada)).rejects.toThrow('bug');
  });

  it('all shares together admit as one bucket: at most b + r * length', async () => {
    const parts = fc.integer({ min: 1, max: 5 });
    const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400_000 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 30,
      maxLength: 80,
    });
    await fc.assert(
      fc.asyncProperty(parts, gaps, async (localShare, steps) => {
        const regions = Array.from({ length: localShare }, () => setUp({ localShare }));
        let admitted = 0;
        let us = 0;
        for (const [at, [gapUs, cost]] of steps.entries()) {
          us += gapUs;
          const region = regions[at % localShare];
          if (region === undefined) continue;
          region.clock.us = us;
          const answer = await region.limiter.take(ada, { cost }).catch(() => undefined);
          if (answer?.allowed) admitted += cost;
          expect(admitted).toBeLessThanOrEqual(20 + (5 * us) / 1_000_000);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('memory is bounded: who finds no room is closed, and full shares make room', async () => {
    const { clock, limiter } = setUp({ localShare: 1 });
    const take = (i: number) => limiter.take({ ...ada, user: `u${i}` });
    for (let i = 0; i < 100_000; i++) await take(i);
    await expect(take(100_000)).rejects.toThrow('down');
    expect((await take(5)).allowed).toBe(true); // it has its room
    clock.us = 400_000; // one token, and of u5 two are missing
    expect((await take(100_000)).allowed).toBe(true);
  });
});

describe('a failure policy is refused', () => {
  it.each<[unknown, RegExp]>([
    ['ajar', /a failure policy is closed, open or/],
    [{ localShare: 0 }, /localShare: 1 to 1000/],
    [{ localShare: 1.5 }, /localShare: 1 to 1000/],
    [{ other: 'open' }, /must name one of the policies default; found "other"/],
    [{ default: 7 }, /a failure policy is closed/],
  ])('%o', (written, says) => {
    expect(() => setUp(written as FailurePolicies)).toThrow(says);
  });
});
