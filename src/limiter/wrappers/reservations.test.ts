import { describe, expect, it, vi } from 'vitest';
import type { Decision } from '../../core/decision.ts';
import { type ErrorCode, OpenclawError } from '../../core/errors.ts';
import { parsePolicy } from '../../core/policy.ts';
import type { Cost, Limiter, Reservation } from '../limiter.ts';
import { systemSurroundings, systemTime } from '../system-surroundings.ts';
import { decideOnFailure, type FailurePolicies } from './failure-policy.ts';
import { answerLocally } from './local-answers.ts';
import { shadow } from './shadow.ts';

/** Time stands still. */
const STILL = { ...systemSurroundings, time: { ...systemTime, nowUs: () => 0 } };
const ada = { user: 'ada', endpoint: 'e' };
const evidence = { strategy: 'central', node: 'n', source: 'redis' } as const;
const allowed: Decision = { allowed: true, remainingTokens: 12, evidence };
const denied: Decision = { allowed: false, remainingTokens: 0, retryAfterUs: 5, evidence };

/** Redis, as these tests script it. */
function store({
  policies = { default: '20:5/s' },
  reserve = allowed,
  extend = allowed,
  settle,
}: {
  policies?: Readonly<Record<string, string>>;
  reserve?: Decision | ErrorCode;
  extend?: Decision | ErrorCode;
  settle?: ErrorCode;
}) {
  const named = Object.entries(policies).map(([name, text]) => ({ name, policy: parsePolicy(text) }));
  const answer = async (what: Decision | ErrorCode) => {
    if (typeof what === 'string') throw new OpenclawError(what, 'as scripted');
    return what;
  };
  const settled: unknown[] = [];
  const limiter = {
    strategy: 'central',
    policiesOf: () => named,
    take: async () => denied,
    reserve: vi.fn(async (_subject, { cost = 1, decisionId = '' } = {}): Promise<Reservation> => {
      const decision = await answer(reserve);
      return {
        id: decisionId,
        allowed: decision.allowed,
        decision,
        heldTokens: cost as number,
        held: Object.fromEntries(named.map(({ name }) => [name, cost as number])),
        expiresAtUs: undefined,
        settlement: undefined,
        extend: () => answer(extend),
        settle: async (actual) => {
          settled.push(actual);
          if (settle !== undefined && settled.length === 1) throw new OpenclawError(settle, 'as scripted');
          return { actual: { default: 1 }, evidence };
        },
      };
    }) as Limiter['reserve'],
  } as unknown as Limiter;
  return { limiter, settled };
}

describe('while Redis cannot decide, a reservation', () => {
  const failing = (onFailure: FailurePolicies, given: Parameters<typeof store>[0]) => {
    const { limiter, settled } = store(given);
    const names = Object.keys(given.policies ?? { default: '' });
    return { limiter: decideOnFailure(limiter, { onFailure, names }, STILL), settled };
  };

  it('is rejected by closed', async () => {
    const { limiter } = failing('closed', { reserve: 'REPLY_LOST' });
    await expect(limiter.reserve(ada)).rejects.toMatchObject({ code: 'REPLY_LOST', charge: 'possible' });
  });

  it.each([
    { code: 'REPLY_LOST', charge: 'possible' },
    { code: 'REDIS_UNREACHABLE', charge: 'none' },
  ] as const)(
    'is allowed by open, and its settlement gives nothing back: $code',
    async ({ code, charge }) => {
      const { limiter, settled } = failing('open', { reserve: code });
      const reservation = await limiter.reserve(ada, { cost: 8, decisionId: 'job-7' });
      expect(reservation).toMatchObject({ id: 'job-7', allowed: true, heldTokens: 8, held: { default: 8 } });
      expect(reservation.decision).toMatchObject({
        undecided: code,
        evidence: { source: 'fallback', charge },
      });
      expect(await reservation.extend(3)).toMatchObject({ allowed: true, undecided: code });
      expect(reservation).toMatchObject({ heldTokens: 11, held: { default: 11 } });
      const settlement = await reservation.settle(5);
      expect(settlement).toEqual({ actual: { default: 5 }, evidence: reservation.decision.evidence });
      expect(await reservation.settle(1)).toEqual({ ...settlement, isRemembered: true });
      expect(reservation.settlement).toEqual(settlement);
      expect(settled).toEqual([]);
    },
  );

  it('and its extensions are decided by a local share, to which nothing is given back', async () => {
    const policies = { requests: '20:1/d', tokens: '200:1/d' };
    const { limiter } = failing({ localShare: 2 } as const, { reserve: 'REDIS_CLUSTER_DOWN', policies });
    const reservation = await limiter.reserve(ada, { cost: { tokens: 60 } });
    expect(reservation.held).toEqual({ requests: 1, tokens: 60 });
    expect((await reservation.extend({ tokens: 30 })).policies).toMatchObject([
      { policy: 'requests', remainingTokens: 9 },
      { policy: 'tokens', remainingTokens: 10 },
    ]);
    expect((await reservation.extend({ tokens: 11 })).allowed).toBe(false);
    expect(reservation.held).toEqual({ requests: 1, tokens: 90 });
    await expect(reservation.extend({ tokens: 101 })).rejects.toMatchObject({ code: 'REDIS_CLUSTER_DOWN' });
    await reservation.settle(0);
    const refused = await limiter.reserve(ada, { cost: { tokens: 20 } });
    expect(refused).toMatchObject({ allowed: false, heldTokens: 0 });
    await expect(refused.settle(0)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN' });
    await expect(refused.extend(1)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN' });
  });

  it.each([-5, 1.5, 'x', { nope: 1 }, Number.NaN])('is not settled at %j', async (actual) => {
    const { limiter } = failing('open', { reserve: 'REPLY_LOST' });
    const reservation = await limiter.reserve(ada, { cost: 8 });
    await expect(reservation.settle(actual as Cost)).rejects.toMatchObject({
      ...{ code: 'INVALID_COST', charge: 'none' },
    });
    expect(reservation.settlement).toBeUndefined();
  });

  it.each([
    { cost: -1, code: 'INVALID_COST' },
    { cost: { nope: 1 }, code: 'INVALID_COST' },
    { cost: { default: 0 }, code: 'INVALID_COST' },
    { cost: 21, code: 'COST_ABOVE_CAPACITY' },
  ])('is not extended by $cost', async ({ cost, code }) => {
    const { limiter } = failing('open', { reserve: 'REPLY_LOST' });
    const reservation = await limiter.reserve(ada, { cost: 8 });
    await expect(reservation.extend(cost as Cost)).rejects.toMatchObject({ code, charge: 'none' });
    expect(reservation.heldTokens).toBe(8);
  });

  it('is settled at most at what it holds, and not extended afterwards', async () => {
    const policies = { requests: '20:1/d', tokens: '200:1/d' };
    const { limiter } = failing('open', { reserve: 'REPLY_LOST', policies });
    const reservation = await limiter.reserve(ada, { cost: { tokens: 60 } });
    await expect(reservation.settle({ tokens: 61 })).rejects.toMatchObject({
      ...{ code: 'ACTUAL_ABOVE_HELD', charge: 'none' },
      message: `reservation ${reservation.id} holds 60 tokens of policy tokens; found 61 to settle at`,
    });
    const [, settlement, extension] = await Promise.allSettled([
      reservation.extend({ tokens: 1 }),
      reservation.settle({ tokens: 61 }),
      reservation.extend({ tokens: 1 }),
    ]);
    expect(settlement).toMatchObject({ value: { actual: { requests: 1, tokens: 61 } } });
    expect(extension).toMatchObject({ reason: { code: 'RESERVATION_SETTLED', charge: 'none' } });
    expect(reservation.held).toEqual({ requests: 1, tokens: 61 });
  });

  it.each(['RESERVATIONS_FULL', 'INVALID_COST', 'INVALID_OPTION'] as const)(
    'that was refused is refused: %s',
    async (code) => {
      const { limiter } = failing('open', { reserve: code });
      await expect(limiter.reserve(ada)).rejects.toMatchObject({ code });
    },
  );

  it('that Redis holds is not extended or settled without it', async () => {
    const { limiter } = failing('open', { extend: 'REPLY_LOST', settle: 'REPLY_LOST' });
    const reservation = await limiter.reserve(ada);
    await expect(reservation.extend(1)).rejects.toMatchObject({ code: 'REPLY_LOST' });
    await expect(reservation.settle(1)).rejects.toMatchObject({ code: 'REPLY_LOST' });
  });
});

describe('in shadow mode, a reservation', () => {
  it.each([
    { reserve: denied, why: 'denied' },
    { reserve: 'REPLY_LOST', why: 'REPLY_LOST' },
  ] as const)('that was refused is allowed, and holds nothing: $why', async ({ reserve, why }) => {
    const { limiter, settled } = store({ reserve });
    const reservation = await shadow(limiter, STILL).reserve(ada, { cost: 8 });
    expect(reservation).toMatchObject({ allowed: true, heldTokens: 8, decision: { shadow: why } });
    expect(await reservation.extend(3)).toMatchObject({ allowed: true, shadow: why });
    expect(await reservation.settle(9)).toMatchObject({ actual: { default: 9 } });
    expect(settled).toEqual([]);
  });

  it('that is held is extended in any case, and settled at most at what it holds', async () => {
    const { limiter, settled } = store({ extend: denied, settle: 'ACTUAL_ABOVE_HELD' });
    const reservation = await shadow(limiter, STILL).reserve(ada, { cost: 8 });
    expect(reservation.decision).not.toHaveProperty('shadow');
    expect(await reservation.extend(3)).toMatchObject({ allowed: true, shadow: 'denied' });
    await reservation.settle(11);
    expect(settled).toEqual([11, { default: 8 }]);
  });

  it.each([denied, 'REPLY_LOST', 'COST_ABOVE_CAPACITY'] as const)(
    'that is held says that it holds what was refused: %j',
    async (extend) => {
      const reservation = await shadow(store({ extend }).limiter, STILL).reserve(ada, { cost: 8 });
      let times = 0;
      while (reservation.heldTokens < 20 && times++ < 9) await reservation.extend(5);
      expect([times, reservation.heldTokens, reservation.held]).toEqual([3, 23, { default: 23 }]);
    },
  );

  it.each(['INVALID_COST', 'RESERVATION_SETTLED'] as const)(
    'that is held is not extended: %s',
    async (code) => {
      const reservation = await shadow(store({ extend: code }).limiter, STILL).reserve(ada, { cost: 8 });
      await expect(reservation.extend(5)).rejects.toMatchObject({ code });
      expect(reservation.heldTokens).toBe(8);
    },
  );

  it('above the capacity is allowed as a take is, and an invalid cost is refused', async () => {
    const above = store({ reserve: 'COST_ABOVE_CAPACITY' });
    const reservation = await shadow(above.limiter, STILL).reserve(ada, { cost: 50 });
    expect(reservation).toMatchObject({ heldTokens: 50, decision: { shadow: 'COST_ABOVE_CAPACITY' } });
    await reservation.extend(21);
    expect(reservation.heldTokens).toBe(71);
    const wrong = shadow(store({ reserve: 'INVALID_COST' }).limiter, STILL);
    await expect(wrong.reserve(ada, { cost: -1 })).rejects.toMatchObject({ code: 'INVALID_COST' });
  });

  it('without Redis is settled at most at what was asked for, and not extended afterwards', async () => {
    const reservation = await shadow(store({ reserve: denied }).limiter, STILL).reserve(ada, { cost: 8 });
    await expect(reservation.settle(-1)).rejects.toMatchObject({ code: 'INVALID_COST' });
    expect(await reservation.settle(9)).toMatchObject({ actual: { default: 8 } });
    await expect(reservation.extend(1)).rejects.toMatchObject({ code: 'RESERVATION_SETTLED' });
  });

  it('is settled at what it holds of the policies that used more, and of no other', async () => {
    const policies = { requests: '20:1/d', tokens: '200:1/d' };
    const { limiter, settled } = store({ settle: 'ACTUAL_ABOVE_HELD', policies });
    const reservation = await shadow(limiter, STILL).reserve(ada, { cost: 8 });
    await reservation.settle({ requests: 2, tokens: 90 });
    expect(settled.at(-1)).toEqual({ requests: 2, tokens: 8 });
  });

  it('reports a settlement that failed', async () => {
    const reservation = await shadow(store({ settle: 'REPLY_LOST' }).limiter, STILL).reserve(ada);
    await expect(reservation.settle(1)).rejects.toMatchObject({ code: 'REPLY_LOST' });
  });
});

it('a settlement ends the local answers of its subject', async () => {
  const { limiter } = store({});
  const answering = answerLocally(limiter, {}, STILL.time);
  const reservation = await answering.reserve(ada, { cost: 8 });
  const ofRedis = { ...denied, evidence: { ...evidence, levelQuanta: 0 } };
  const asked = vi.spyOn(limiter, 'take').mockResolvedValue(ofRedis);
  await answering.take(ada);
  expect((await answering.take(ada)).evidence.source).toBe('local');
  await reservation.settle(0);
  await answering.take(ada);
  expect(asked).toHaveBeenCalledTimes(2);
});
