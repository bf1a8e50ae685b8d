import { describe, expect, it } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { compare } from '../../src/limiter/inspect/inspect.ts';
import type { CopyReading } from '../../src/limiter/inspect/read.ts';
import { levelNow, type Policies, readStored } from '../../src/limiter/inspect/stored.ts';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import { packBucket, packUnits } from '../support/stored-bucket.ts';

describe('a slot', () => {
  it.each([
    { title: 'is CRC-16/XMODEM modulo 16384', key: '123456789', slot: 0x31c3 },
    { title: 'is of the tag alone', key: 'a{123456789}b', slot: 0x31c3 },
    { title: 'is of the whole key where the tag is empty', key: 'foo{}{bar}', slot: 8_363 },
    { title: 'is of the first tag', key: 'foo{{bar}}zap', slot: 4_015 },
  ])('$title', ({ key, slot }) => expect(keySlot(key)).toBe(slot));
});

describe('the level now', () => {
  const policy = parsePolicy('20:5/s'); // a token is 200,000 quanta, a microsecond adds one
  const now = { nodeUs: 1_000_000_000, serviceUs: 1_000_500_000, ttlMs: 5_000 };
  it.each([
    {
      title: 'of no key is full',
      pttl: -2,
      want: {
        levelTokens: 20,
        timeToNextTokenUs: 0,
        timeToFullUs: 0,
        take: { allowed: true, remainingTokens: 19 },
      },
    },
    {
      title: 'has grown since the update',
      value: packBucket(999900000, 100000),
      want: {
        levelTokens: 1,
        timeToNextTokenUs: 200_000,
        timeToFullUs: 3_800_000,
        take: { allowed: true, remainingTokens: 0 },
      },
    },
    {
      title: 'denies one quantum below a token',
      value: packBucket(999900000, 99999),
      want: { timeToNextTokenUs: 1, take: { allowed: false, retryAfterUs: 1 } },
    },
    {
      title: 'of a bucket ahead of the clock gains nothing until then',
      value: packBucket(1060000000, 0),
      want: {
        levelTokens: 0,
        aheadUs: 60_000_000,
        timeToNextTokenUs: 60_200_000,
        take: { allowed: false, retryAfterUs: 60_200_000 },
      },
    },
    {
      title: 'is never above the capacity',
      value: packBucket(999900000, 9000000),
      want: { levelTokens: 20 },
    },
    {
      title: 'of another policy keeps its tokens',
      value: packUnits(1000000000, [{ levelQuanta: 5_500, quantaPerToken: 1_000, mostTokens: 1_000 }]),
      want: { levelTokens: 5.5, levelQuanta: 1_100_000, timeToFullUs: 2_900_000 },
    },
    {
      title: 'has the tokens of reservations that expired',
      value: packUnits(
        1000000000,
        [{ levelQuanta: 100_000, quantaPerToken: 200_000, mostTokens: 20 }],
        [
          [1, 1_000_000_000, 3],
          [2, 1_000_000_001, 9],
        ],
      ),
      want: { levelTokens: 3.5, take: { allowed: true, remainingTokens: 2 } },
    },
    {
      title: "of the article's bucket goes by whole seconds of the service's clock",
      fields: ['0', '999'],
      want: { levelTokens: 5, timeToNextTokenUs: 500_000, take: { allowed: true, remainingTokens: 4 } },
    },
    {
      title: "of the article's empty bucket waits for the whole second",
      fields: ['0', '1000'],
      want: {
        levelTokens: 0,
        timeToNextTokenUs: 500_000,
        timeToFullUs: 3_500_000,
        take: { allowed: false, retryAfterUs: 500_000 },
      },
    },
  ])('$title', ({ value = null, fields = [null, null], pttl: ttlMs = 5_000, want }) =>
    expect(levelNow(readStored({ value, fields, ttlMs }), [policy], now)).toMatchObject(want),
  );

  describe('of a lease', () => {
    const [one, other] = [
      [7, 1, 3, 12, 5, 1, 1_002_000_000],
      [9, 4, 1, 4, 0, 0, 1_001_000_000],
    ] as const;
    const leaseNow = (levelQuanta: number, ...accounts: (readonly number[])[]) =>
      levelNow(
        readStored({
          value: packBucket(1_000_000_000, levelQuanta, ...accounts.flat()),
          fields: [null, null],
          ttlMs: 5_000,
        }),
        [policy],
        now,
      );
    it('is the level of home, without the lent tokens', () =>
      expect(leaseNow(500_000, one, other)).toMatchObject({
        levelTokens: 2.5,
        lent: { tokens: 10, holders: 2 },
        timeToNextTokenUs: 100_000,
        timeToFullUs: 3_500_000,
        take: { allowed: true, remainingTokens: 1 },
      }));
    it('waits, where all is lent, until a loan is over and has refilled', () =>
      expect(leaseNow(0, [7, 1, 1, 20, 0, 0, 1_002_000_000])).toMatchObject({
        levelTokens: 0,
        lent: { tokens: 20, holders: 1 },
        timeToNextTokenUs: 2_200_000,
        timeToFullUs: 6_000_000,
        take: { allowed: false, retryAfterUs: 2_200_000 },
      }));
    it('has no part in loans whose time is over', () =>
      expect(leaseNow(500_000, [9, 4, 1, 4, 0, 0, 999_000_000])).toMatchObject({
        levelTokens: 2.5,
        lent: { tokens: 0, holders: 0 },
      }));
    it('counts no holder where a move stops lending, and names the move', () =>
      expect(leaseNow(500_000, one, [0, 77, 1, 0, 0, 0, 1_004_000_000])).toMatchObject({
        lent: { tokens: 6, holders: 1 },
        move: 77,
      }));
    it('of another policy keeps the tokens of its home and of its loans', () => {
      const home = packBucket(1_000_000_000, 2_500, 1_000, 1_000, ...one, ...other);
      const value = Buffer.concat([home, Buffer.of(0)]);
      expect(levelNow(readStored({ value, fields: null, ttlMs: 5_000 }), [policy], now)).toMatchObject({
        levelTokens: 2.5,
        levelQuanta: 500_000,
        lent: { tokens: 10, holders: 2 },
        timeToFullUs: 3_500_000,
      });
    });
    it.each([
      ['no unit', [0, 20]],
      ['no whole account', [1_000, 20, 1]],
    ])('is not known with %s', (_, rest) => {
      const value = Buffer.concat([packBucket(1_000_000_000, 2_500, ...rest), Buffer.of(0)]);
      expect(readStored({ value, fields: null, ttlMs: 1 })).toMatchObject({ type: 'foreign' });
    });
    it('is not known of a bucket without a unit', () => {
      const value = packUnits(1_000_000_000, [{ levelQuanta: 5, quantaPerToken: 0, mostTokens: 20 }]);
      expect(readStored({ value, fields: null, ttlMs: 1 })).toMatchObject({ type: 'foreign' });
    });
    it('is not what eight policies have', () => {
      const levels = [5, 1, 2, 3, 4, 5, 6, 7].map((tokens) => tokens * policy.quantaPerToken);
      const value = packBucket(1_790_000_000_000_000, ...levels);
      expect(readStored({ value, fields: [null, null], ttlMs: 1 })).toMatchObject({ type: 'bucket' });
    });
  });

  it.each([
    { title: 'of another type', value: null, fields: null },
    { title: 'a hash without the fields of the published script', value: null, fields: [null, null] },
    { title: 'a string of another program', value: Buffer.from('another program') },
    { title: 'a text of 33 bytes', value: Buffer.from('x'.repeat(33)) },
  ])('is not known where the key is $title', ({ value, fields = null }) =>
    expect(levelNow(readStored({ value, fields, ttlMs: -1 }), [policy], now)).toBeUndefined(),
  );
});

describe('copies compared', () => {
  const bucket = { stored: { type: 'absent' }, clockUs: 1, ttlMs: -2 } as const;
  const policies: Policies = [parsePolicy('20:5/s')];
  const old: CopyReading = { address: 'a:1', role: 'primary', epoch: 1, offset: 900, bucket };
  const successor: CopyReading = { address: 'b:1', role: 'primary', epoch: 7, offset: 500, bucket };
  const replica: CopyReading = { address: 'c:1', role: 'replica', linked: true, offset: 480, bucket };

  it('of two primaries have the one with the later epoch, and say that the other is superseded', () => {
    const { primary, copies, notes } = compare([old, replica, successor], ['a:1'], {
      policies,
      serviceUs: 1,
    });
    expect(primary?.address).toBe('b:1');
    expect(copies.map(({ address, isSuperseded }) => [address, isSuperseded])).toEqual([
      ['b:1', false],
      ['a:1', true],
      ['c:1', false],
    ]);
    expect(copies[2]).toMatchObject({ lagBytes: 20 });
    expect(notes).toEqual([expect.stringContaining('a:1 still reports that it is the primary')]);
  });
  it('say whether any has the key, where one answered', () => {
    const gone = { address: 'a:1', bucket: new OpenclawError('REPLY_TIMEOUT', 'a:1 did not reply in time') };
    const held: CopyReading = {
      ...replica,
      bucket: { ...bucket, stored: { type: 'bucket', levelsQuanta: [1], updatedAtUs: 1 }, ttlMs: 5 },
    };
    const isStored = (readings: readonly CopyReading[]) =>
      compare(readings, ['a:1'], { policies, serviceUs: 1 }).isStored;
    expect(isStored([old, replica])).toBe(false);
    expect(isStored([old, held])).toBe(true);
    expect(isStored([gone, replica])).toBe(false);
    expect(isStored([gone])).toBeUndefined();
  });
  it('keep the claimed primary where it does not answer, and its reason', () => {
    const gone = { address: 'a:1', bucket: new OpenclawError('REPLY_TIMEOUT', 'a:1 did not reply in time') };
    const { primary, copies } = compare([replica, gone], ['a:1'], { policies, serviceUs: 1 });
    expect(primary?.address).toBe('a:1');
    expect(copies[0]).toMatchObject({ address: 'a:1', trouble: 'a:1 did not reply in time' });
    expect(copies[1]).not.toHaveProperty('lagBytes');
  });
});
