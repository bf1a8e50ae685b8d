import { describe, expect, it } from 'vitest';
import type { LimiterOptions } from '../../src/limiter/create.ts';
import { SERVERS } from '../support/server.ts';
import { ada, KEY, steppableLimiters } from '../support/steppable-limiters.ts';

const DAILY = '10:1/d';
const job = { decisionId: 'job-7' };
const RECORD = `{${KEY}}:reserve:job-7`;
const EXPIRED = { code: 'RESERVATION_EXPIRED', charge: 'none' };
const SECOND = 1_000_000;

describe.each(SERVERS)('a reservation with an expiry on %s', (command) => {
  const limiters = steppableLimiters(command);
  const limit = (options: string | Partial<LimiterOptions>) => limiters.limit(options);
  const left = async (policy: string | Partial<LimiterOptions>) =>
    (await limit(policy).peek(ada)).remainingTokens;
  const stepTo = (us: number) => limiters.server.setClockOffsetUs(us);

  it('gives all back once, at the first decision after it', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 60_000 });
    expect(reservation.expiresAtUs).toBe((reservation.decision.evidence.bucketUs ?? 0) + 60 * SECOND);
    stepTo(50 * SECOND);
    expect((await limiter.take(ada, { cost: 3 })).allowed).toBe(false);
    stepTo(70 * SECOND);
    expect(await left(DAILY)).toBe(10);
    expect((await limiter.take(ada, { cost: 3 })).remainingTokens).toBe(7);
    await expect(reservation.settle(0)).rejects.toMatchObject(EXPIRED);
    await expect(reservation.extend(1)).rejects.toMatchObject(EXPIRED);
    expect(await left(DAILY)).toBe(7);
  });

  it.each(['take', 'takes in a batch', 'a take with an id', 'refund'])('gives back at a %s', async (what) => {
    const limiter = limit({ policy: DAILY, batch: what === 'takes in a batch' });
    await limiter.reserve(ada, { cost: 9, expiresMs: 1_000 });
    stepTo(2 * SECOND);
    if (what === 'refund') await limiter.refund(ada, { cost: 1 });
    else await limiter.take(ada, { cost: 9, ...(what === 'a take with an id' && job) });
    expect(await left(DAILY)).toBe(what === 'refund' ? 10 : 1);
    expect((await limiters.server.client.getBuffer(KEY))?.length).toBe(33);
  });

  it('settled before gives back once: its expiry gives nothing', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 60_000 });
    expect((await reservation.settle(6)).level?.remainingTokens).toBe(4);
    stepTo(70 * SECOND);
    expect(await left(DAILY)).toBe(4);
    expect((await limiter.take(ada, { cost: 5 })).allowed).toBe(false);
  });

  it('extended holds until as long after the extension, and gives all of it back', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 4, expiresMs: 60_000 });
    stepTo(50 * SECOND);
    await reservation.extend(3);
    stepTo(100 * SECOND);
    expect(await left(DAILY)).toBe(3);
    stepTo(120 * SECOND);
    expect(await left(DAILY)).toBe(10);
    await expect(reservation.settle(7)).rejects.toMatchObject(EXPIRED);
  });

  it('that has expired is made again under its id, and is charged', async () => {
    const limiter = limit(DAILY);
    const dead = await limiter.reserve(ada, { cost: 8, expiresMs: 1_000, ...job });
    stepTo(2 * SECOND);
    const made = await limiter.reserve(ada, { cost: 7, expiresMs: 1_000, ...job });
    expect(made).toMatchObject({ allowed: true, heldTokens: 7, decision: { remainingTokens: 3 } });
    await expect(dead.settle(0)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN' });
    expect((await made.settle(0)).level?.remainingTokens).toBe(10);
  });

  it('whose bucket was reset, or whose key is gone, gives nothing back', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 60_000 });
    await limiter.reset(ada);
    await limiter.take(ada, { cost: 9 });
    await expect(reservation.settle(0)).rejects.toMatchObject(EXPIRED);
    stepTo(70 * SECOND);
    expect(await left(DAILY)).toBe(1);
  });

  it('whose record is gone still gives back at its expiry', async () => {
    const limiter = limit(DAILY);
    const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 60_000, ...job });
    await limiters.server.client.del(RECORD);
    await expect(reservation.settle(0)).rejects.toMatchObject({ code: 'RESERVATION_UNKNOWN' });
    stepTo(70 * SECOND);
    expect(await left(DAILY)).toBe(10);
  });

  it('is held while the clock steps back, and never given back twice', async () => {
    const limiter = limit(DAILY);
    stepTo(100 * SECOND);
    const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 60_000, ...job });
    stepTo(0);
    expect(await left(DAILY)).toBe(2);
    stepTo(170 * SECOND);
    await limiter.take(ada); // gives back 8 of 8
    stepTo(0);
    await expect(reservation.settle(0)).rejects.toMatchObject(EXPIRED);
    expect(await left(DAILY)).toBe(9);
    await limiter.reserve(ada, { cost: 9, ...job }); // it was not resumed
    expect(await left(DAILY)).toBe(0);
  });

  it('is settled after a peek has counted it as expired and the clock stepped back', async () => {
    const reservation = await limit(DAILY).reserve(ada, { cost: 8, expiresMs: 60_000 });
    stepTo(70 * SECOND);
    await expect(reservation.settle(4)).rejects.toMatchObject(EXPIRED);
    stepTo(0);
    expect((await reservation.settle(4)).level?.remainingTokens).toBe(6);
    stepTo(70 * SECOND);
    expect(await left(DAILY)).toBe(6);
  });

  it('keeps its bucket at least until it expires, also where the bucket is full before', async () => {
    const limiter = limit('10:10/s');
    await limiter.reserve(ada, { cost: 2, expiresMs: 60_000 });
    expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(59_000);
    stepTo(30 * SECOND);
    await limiter.take(ada, { cost: 10 });
    expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(29_000);
  });

  it('outlives the memory of reservations, so that a late settlement learns why', async () => {
    const limiter = limit({ policy: DAILY, reservationMemoryMs: 1_000, decisionMemoryMs: 30_000 });
    const reservation = await limiter.reserve(ada, { cost: 2, expiresMs: 60_000 });
    stepTo(80 * SECOND);
    await expect(reservation.settle(0)).rejects.toMatchObject(EXPIRED);
  });

  it('is refused beyond 64 of one subject, and charges nothing; without expiry it is not', async () => {
    const limiter = limit('100:1/d');
    const made = await Promise.all(
      Array.from({ length: 64 }, () => limiter.reserve(ada, { expiresMs: 60_000 })),
    );
    const full = { code: 'RESERVATIONS_FULL', charge: 'none' };
    await expect(limiter.reserve(ada, { expiresMs: 60_000, ...job })).rejects.toMatchObject(full);
    expect(await left('100:1/d')).toBe(36);
    expect((await limiter.reserve(ada)).allowed).toBe(true);
    await made[7]?.settle(0);
    expect((await limiter.reserve(ada, { expiresMs: 1_000 })).allowed).toBe(true);
    await expect(limiter.reserve(ada, { expiresMs: 60_000 })).rejects.toMatchObject(full);
    stepTo(2 * SECOND);
    const last = await limiter.reserve(ada, { cost: 5, expiresMs: 60_000 });
    expect((await last.settle(0)).level?.remainingTokens).toBe(36);
    for (const [i, one] of made.entries()) if (i !== 7) await one.settle(0);
    expect(await left('100:1/d')).toBe(99);
    expect((await limiters.server.client.getBuffer(KEY))?.length).toBe(33);
  });

  it('is one of 64 under 100 policies, which is the most', async () => {
    const names = Array.from({ length: 100 }, (_, number) => `p${number}`);
    const limiter = limit({ policies: Object.fromEntries(names.map((name) => [name, '64:1/d'])) });
    const reserve = () => limiter.reserve(ada, { expiresMs: 60_000 });
    const made = await Promise.all(Array.from({ length: 64 }, reserve));
    expect(made.every(({ allowed }) => allowed)).toBe(true);
    expect((await limiter.take(ada)).allowed).toBe(false);
    expect(
      (await made[7]?.settle(0))?.level?.policies?.map(({ remainingTokens }) => remainingTokens),
    ).toEqual(names.map(() => 1));
  });

  it('of several policies gives back to each, also by other policies', async () => {
    const three = { policies: { a: '10:1/d', b: '100:1/d', c: '5:1/d' } } as const;
    const limiter = limit(three);
    const one = await limiter.reserve(ada, { cost: { a: 3, b: 50, c: 2 }, expiresMs: 1_000 });
    await limiter.reserve(ada, { cost: { a: 4, b: 20 }, expiresMs: 60_000, ...job });
    await one.extend({ b: 10 });
    stepTo(2 * SECOND);
    const remaining = async (policies: Partial<LimiterOptions>) =>
      (await limit(policies).peek(ada)).policies?.map(({ remainingTokens }) => remainingTokens);
    expect(await remaining(three)).toEqual([6, 80, 4]);
    const two = { policies: { a: '30:7/h', b: '60:1/d' } } as const;
    await limit(two).take(ada);
    expect(await remaining(two)).toEqual([5, 59]);
    stepTo(61 * SECOND);
    expect(await remaining(two)).toEqual([9, 60]);
  });
});
