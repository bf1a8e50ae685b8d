import { describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import type { LimiterOptions } from '../../src/limiter/create.ts';
import { SERVERS } from '../support/server.ts';
import { ada, KEY, steppableLimiters } from '../support/steppable-limiters.ts';

const BOTH = { policies: { requests: '10:10/d', tokens: '1000:1000/d' } } as const;
const DAILY = '10:1/d';
const RECORD = `{${KEY}}:reserve:job-7`;
const job = { decisionId: 'job-7' };

describe.each(SERVERS)('a reservation on %s', (command) => {
  const limiters = steppableLimiters(command);
  const limit = (options: string | Partial<LimiterOptions>) => limiters.limit(options);
  const left = async (policy: string) => (await limit(policy).peek(ada)).remainingTokens;

  it('holds the most, and gives back what was not used', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8 });
    expect(reservation).toMatchObject({ allowed: true, heldTokens: 8, held: { default: 8 } });
    expect(reservation.decision).toMatchObject({ allowed: true, remainingTokens: 2, retryAfterUs: 0 });
    expect(await left(DAILY)).toBe(2);
    const settlement = await reservation.settle(3);
    expect(settlement).toMatchObject({
      actual: { default: 3 },
      level: { remainingTokens: 7 },
      evidence: { strategy: 'central', source: 'redis' },
    });
    expect(settlement.evidence.levelQuanta).toBe(settlement.level?.levelQuanta);
    expect(settlement.evidence.bucketUs).toBeGreaterThan(1e15);
    expect(settlement).not.toHaveProperty('isRemembered');
    expect(reservation.settlement).toEqual(settlement);
    expect(await left(DAILY)).toBe(7);
  });

  it.each([
    { actual: 0, remaining: 10 },
    { actual: 8, remaining: 2 },
  ])('is settled at $actual of 8', async ({ actual, remaining }) => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 8 });
    expect((await reservation.settle(actual)).level?.remainingTokens).toBe(remaining);
  });

  it('is not settled below 0, and says what gives all back', async () => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 8 });
    const hint = 'settle at 0 to give back all that is held';
    await expect(reservation.settle(-1)).rejects.toMatchObject({ code: 'INVALID_COST', hint });
    expect((await reservation.settle(0)).level?.remainingTokens).toBe(10);
  });

  it('is denied where the level does not cover it: it then holds and writes nothing', async () => {
    const limiter = limit(DAILY);
    await limiter.take(ada, { cost: 5 });
    const denied = await limiter.reserve(ada, { cost: 6, ...job });
    expect(denied).toMatchObject({ allowed: false, heldTokens: 0, decision: { remainingTokens: 5 } });
    expect(denied.decision.retryAfterUs).toBeGreaterThan(80_000_000_000);
    await expect(denied.settle(0)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN', charge: 'none' });
    await expect(denied.extend(1)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN' });
    expect(await limiters.server.client.keys('*')).toEqual([KEY]);
  });

  it('is resumed by its id, by another process too, and settled once', async () => {
    const [first, second] = [limit(DAILY), limit(DAILY)];
    const made = await first.reserve(ada, { cost: 6, ...job });
    const resumed = await second.reserve(ada, { cost: 9, ...job });
    expect(resumed).toMatchObject({ allowed: true, heldTokens: 6, settlement: undefined });
    expect(resumed.decision).toEqual({ ...made.decision, isRemembered: true });
    expect((await resumed.settle(2)).level?.remainingTokens).toBe(8);
    const again = await made.settle(0);
    expect(again).toMatchObject({
      actual: { default: 2 },
      isRemembered: true,
      level: { remainingTokens: 8 },
    });
    expect(await left(DAILY)).toBe(8);
    const settled = await first.reserve(ada, { cost: 6, ...job });
    expect(settled.settlement).toMatchObject({ actual: { default: 2 }, isRemembered: true });
    expect(await left(DAILY)).toBe(8);
  });

  it('is extended, and gives back of all that it holds', async () => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 4 });
    expect(await reservation.extend(3)).toMatchObject({ allowed: true, remainingTokens: 3 });
    expect(reservation.heldTokens).toBe(7);
    const denied = await reservation.extend(4);
    expect(denied).toMatchObject({ allowed: false, remainingTokens: 3 });
    expect(denied.retryAfterUs).toBeGreaterThan(0);
    expect(reservation.heldTokens).toBe(7);
    expect((await reservation.settle(6)).level?.remainingTokens).toBe(4);
    await expect(reservation.extend(1)).rejects.toMatchObject({
      code: 'RESERVATION_SETTLED',
      charge: 'none',
    });
  });

  it('of two processes is extended by each for itself', async () => {
    const made = await limit(DAILY).reserve(ada, { cost: 1, ...job });
    const other = await limit(DAILY).reserve(ada, { cost: 1, ...job });
    await made.extend(2);
    await expect(other.extend(2)).rejects.toMatchObject({ code: 'RESERVATION_CHANGED', charge: 'none' });
    expect(other.heldTokens).toBe(3);
    expect(await other.extend(2)).toMatchObject({ allowed: true });
    expect(other.heldTokens).toBe(5);
    expect(await left(DAILY)).toBe(5);
  });

  it('sends what is called at once in its order', async () => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 1 });
    const [one, two, settlement] = await Promise.all([
      reservation.extend(2),
      reservation.extend(2),
      reservation.settle(4),
    ]);
    expect([one.allowed, two.allowed, settlement.level?.remainingTokens]).toEqual([true, true, 6]);
  });

  it('refuses a settlement above what it holds, and stays as it was', async () => {
    const reservation = await limit(BOTH).reserve(ada, { cost: { tokens: 300 } });
    await expect(reservation.settle({ tokens: 301 })).rejects.toThrow(
      /holds 300 tokens of policy tokens; found 301 to settle at/,
    );
    await expect(reservation.settle(2)).rejects.toMatchObject({ code: 'ACTUAL_ABOVE_HELD', charge: 'none' });
    expect(reservation.settlement).toBeUndefined();
    await reservation.settle({ tokens: 300 });
  });

  it('of several policies holds, extends and gives back by name', async () => {
    const limiter = limit(BOTH);
    const reservation = await limiter.reserve(ada, { cost: { tokens: 300 } });
    expect(reservation).toMatchObject({ heldTokens: 1, held: { requests: 1, tokens: 300 } });
    await reservation.extend({ tokens: 100 });
    expect(reservation.held).toEqual({ requests: 1, tokens: 400 });
    const { actual, level, evidence } = await reservation.settle({ tokens: 150 });
    expect(actual).toEqual({ requests: 1, tokens: 150 });
    expect(level?.policies?.map(({ remainingTokens }) => remainingTokens)).toEqual([9, 850]);
    expect(evidence).not.toHaveProperty('levelQuanta');
    expect(await limiters.server.client.dbsize()).toBe(2);
  });

  it.each([
    { title: 'a cost of 0', extend: 0, code: 'INVALID_COST' },
    { title: 'no tokens by name', extend: {}, code: 'INVALID_COST' },
    { title: 'a part of a token', extend: { tokens: 1.5 }, code: 'INVALID_COST' },
    { title: 'an unknown name', extend: { token: 5 }, code: 'INVALID_COST' },
    { title: 'a cost above the capacity', extend: { requests: 11 }, code: 'COST_ABOVE_CAPACITY' },
    { title: 'a negative number', settle: -1, code: 'INVALID_COST' },
    { title: 'a part of a token used', settle: 0.5, code: 'INVALID_COST' },
    { title: 'text', settle: '1' as never, code: 'INVALID_COST' },
    { title: 'nothing', settle: undefined as never, code: 'INVALID_COST' },
    { title: 'an unknown name used', settle: { token: 0 }, code: 'INVALID_COST' },
  ])('refuses $title', async ({ extend, settle, code }) => {
    const reservation = await limit(BOTH).reserve(ada, { cost: 2 });
    const call = extend === undefined ? reservation.settle(settle as number) : reservation.extend(extend);
    await expect(call).rejects.toMatchObject({ code, charge: 'none' });
    expect(reservation.held).toEqual({ requests: 2, tokens: 2 });
  });

  it.each([
    { title: 'an unknown option', options: { expires: 5 } as never, says: /unknown option "?expires/ },
    { title: 'an id of another form', options: { decisionId: 'a b' }, says: /a decision id is 1 to 128/ },
    { title: 'an expiry of 0', options: { expiresMs: 0 }, says: /expiresMs must be 1 to 604800000/ },
    { title: 'a cost above the capacity', options: { cost: 11 }, says: /must not be above the capacity/ },
  ])('is not made with $title', async ({ options, says }) => {
    await expect(limit(DAILY).reserve(ada, options)).rejects.toThrow(says);
    expect(await limiters.server.client.dbsize()).toBe(0);
  });

  it('whose record is gone gives nothing back', async () => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 8, ...job });
    await limiters.server.client.del(RECORD);
    const message = expect.stringContaining('its record was lost, or is older than its memory');
    const unknown = { code: 'RESERVATION_UNKNOWN', charge: 'none', message };
    await expect(reservation.settle(0)).rejects.toMatchObject(unknown);
    await expect(reservation.extend(1)).rejects.toMatchObject(unknown);
    expect(await left(DAILY)).toBe(2);
  });

  it('is not settled by the handle of an earlier one with its id', async () => {
    const limiter = limit('20:1/d');
    const lost = await limiter.reserve(ada, { cost: 8, ...job });
    await limiters.server.client.del(RECORD);
    const made = await limiter.reserve(ada, { cost: 9, ...job });
    const unknown = {
      code: 'RESERVATION_UNKNOWN',
      message: expect.stringMatching(/another one was made with its id/),
    };
    await expect(lost.settle(0)).rejects.toMatchObject(unknown);
    await expect(lost.extend(1)).rejects.toMatchObject(unknown);
    expect((await made.settle(0)).level?.remainingTokens).toBe(12);
  });

  it('is stored for its memory, renewed by extensions, and once settled for that of decisions', async () => {
    const limiter = limit({ policy: DAILY, reservationMemoryMs: 50_000, decisionMemoryMs: 2_000 });
    const reservation = await limiter.reserve(ada, { cost: 8, ...job });
    const ttl = () => limiters.server.client.pttl(RECORD);
    expect(await ttl()).toBeGreaterThan(40_000);
    limiters.server.setClockOffsetUs(45_000_000);
    await reservation.extend(1);
    expect(await ttl()).toBeGreaterThan(40_000);
    await reservation.settle(0);
    expect(await ttl()).toBeLessThanOrEqual(2_000);
    limiters.server.setClockOffsetUs(100_000_000);
    expect((await limiter.reserve(ada, { cost: 1, ...job })).decision).not.toHaveProperty('isRemembered');
  });

  it.each([0, 604_800_001, 1.5])('refuses a memory of %s ms', (reservationMemoryMs) =>
    expect(() => limit({ policy: DAILY, reservationMemoryMs })).toThrow(
      /reservationMemoryMs must be 1 to 604800000/,
    ),
  );

  it('gives back tokens, in the units of the policy at that time', async () => {
    const reservation = await limit('10:1/d').reserve(ada, { cost: 8, ...job });
    const other = await limit('20:7/h').reserve(ada, job);
    expect(other.heldTokens).toBe(8);
    await other.extend(1);
    expect((await other.settle(4)).level?.remainingTokens).toBe(6);
    expect(await reservation.settle(0)).toMatchObject({ actual: { default: 4 }, isRemembered: true });
  });

  it('is decided and read by the same policies, whatever overrides return afterwards', async () => {
    let own = '10:1/d';
    const policiesOf = vi.fn(() => ({ default: own }));
    const limiter = limit({ policy: DAILY, overrides: policiesOf });
    policiesOf.mockImplementationOnce(() => {
      own = '1000:1000/s'; // a token of it has other quanta
      return { default: '10:1/d' };
    });
    const made = await limiter.reserve(ada, { cost: 8 });
    expect(made.decision).toMatchObject({ remainingTokens: 2 });
    expect(made.decision.evidence.levelQuanta).toBe(2 * parsePolicy('10:1/d').quantaPerToken);
  });

  it('is made although overrides throw afterwards; then it is neither extended nor settled', async () => {
    let isBroken = false;
    const overrides = () => {
      if (isBroken) return { default: 'broken' };
      isBroken = true;
      return undefined;
    };
    const made = await limit({ policy: DAILY, overrides }).reserve(ada, { cost: 8 });
    expect(made).toMatchObject({ allowed: true, heldTokens: 8 });
    for (const call of [made.extend(1), made.settle(3)])
      await expect(call).rejects.toMatchObject({ code: 'INVALID_POLICY', charge: 'none' });
    isBroken = false;
    await made.settle(3);
    expect(await left(DAILY)).toBe(7);
  });

  it('in shadow mode goes on as if denied extensions were held, and is settled at what is', async () => {
    const reservation = await limit({ policy: DAILY, shadow: true }).reserve(ada, { cost: 4 });
    let extensions = 0;
    while (reservation.heldTokens < 25 && extensions++ < 9) await reservation.extend(5);
    expect([extensions, reservation.heldTokens]).toEqual([5, 29]);
    expect((await reservation.settle(25)).actual).toEqual({ default: 9 });
    expect(await left(DAILY)).toBe(1);
  });

  it('gives back no more than fits', async () => {
    const limiter = limit('10:10/s');
    const reservation = await limiter.reserve(ada, { cost: 8 });
    limiters.server.setClockOffsetUs(60_000_000);
    const { level } = await reservation.settle(0);
    expect(level).toMatchObject({ remainingTokens: 10, timeToFullUs: 0 });
  });

  it('fails before it changes anything where a key is that of another program', async () => {
    const { client } = limiters.server;
    const wrong = { code: 'REDIS_WRONG_TYPE', charge: 'none' };
    await client.set(RECORD, 'theirs');
    await expect(limit(DAILY).reserve(ada, job)).rejects.toMatchObject(wrong);
    expect(await client.dbsize()).toBe(1);
    await client.del(RECORD);
    const reservation = await limit(DAILY).reserve(ada, job);
    await client.set(KEY, 'theirs');
    await expect(reservation.settle(0)).rejects.toMatchObject(wrong);
    await client.del(KEY);
    expect((await reservation.settle(0)).isRemembered).toBeUndefined();
  });

  it('whose bucket was reset gives back into the full bucket, so nothing', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8 });
    await limiter.reset(ada);
    expect((await reservation.settle(0)).level?.remainingTokens).toBe(10);
    expect(await left(DAILY)).toBe(10);
  });

  it.each(['article', 'replica-reads', 'lease'] as const)('cannot be made by %s', async (strategy) => {
    const more = strategy === 'lease' ? { replicas: 1 } : {};
    const limiter = limit({ policy: DAILY, strategy, ...more } as Partial<LimiterOptions>);
    await expect(limiter.reserve(ada)).rejects.toMatchObject({ code: 'INVALID_OPTION', charge: 'none' });
  });
});
