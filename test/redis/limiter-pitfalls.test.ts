import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { bucketKey, memoryKey } from '../../src/limiter/options/key.ts';
import { describeFailure } from '../../src/limiter/redis/errors.ts';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import { SERVERS } from '../support/server.ts';
import { ada, KEY, steppableLimiters } from '../support/steppable-limiters.ts';
import { storedBucket } from '../support/stored-bucket.ts';

/*
 * The ways in which known limiters went wrong, a test each, by the numbers of the list that they were collected in.
 * Rows that need more than one server and one take are tested elsewhere, and named at the end.
 */
const ROOT = join(import.meta.dirname, '../..');
const SECOND_US = 1_000_000;

describe.each(SERVERS)('on %s, pitfall', (command) => {
  const limiters = steppableLimiters(command);
  const limit: typeof limiters.limit = (options) => limiters.limit(options);
  const admitted = async (limiter: Limiter, times: number) => {
    let count = 0;
    for (let i = 0; i < times; i++) if ((await limiter.take(ada)).allowed) count++;
    return count;
  };

  it('1: time is the server’s and has microseconds', async () => {
    const limiter = limit('1:1/s');
    limiters.server.setClockOffsetUs(-3_600 * SECOND_US);
    const { evidence } = await limiter.take(ada);
    expect(Math.abs((evidence.atUs ?? 0) - (Date.now() * 1_000 - 3_600 * SECOND_US))).toBeLessThan(
      10 * SECOND_US,
    );
    limiters.server.setClockOffsetUs(-3_600 * SECOND_US + 500_000);
    expect((await limiter.take(ada)).retryAfterUs).toBeLessThan(500_000);
  });

  it('2: a fraction of a token is not dropped, however often a denied caller asks', async () => {
    const limiter = limit('1:1/d');
    await limiter.take(ada);
    let denied = 0;
    for (let hours = 1; hours < 24; hours++) {
      limiters.server.setClockOffsetUs(hours * 3_600 * SECOND_US);
      if (!(await limiter.take(ada)).allowed) denied++;
    }
    limiters.server.setClockOffsetUs(24 * 3_600 * SECOND_US);
    expect([denied, (await limiter.take(ada)).allowed]).toEqual([23, true]);
  });

  it('3: tokens are whole: a fresh full burst is admitted to the last token, at rates that no double holds', async () => {
    for (const rate of ['0.1/s', '0.3/s', '7/3s', '1000000/7min']) {
      await limiters.server.client.flushall();
      const limiter = limit(`50:${rate}`);
      expect((await limiter.take(ada)).remainingTokens).toBe(49);
      expect(await admitted(limiter, 49)).toBeGreaterThanOrEqual(49);
    }
  });

  it('4: replies hold integers, not numbers that Redis would cut', async () => {
    const { remainingTokens, retryAfterUs, evidence } = await limit('3:0.3/s').take(ada);
    for (const value of [
      remainingTokens,
      retryAfterUs,
      evidence.levelQuanta,
      evidence.atUs,
      evidence.bucketUs,
    ])
      expect(Number.isSafeInteger(value)).toBe(true);
  });

  it('5: sixteen digits are stored as they are', async () => {
    const { evidence } = await limit('100000:3/d').take(ada);
    expect(evidence.bucketUs).toBeGreaterThan(1e15);
    expect(evidence.levelQuanta).toBeGreaterThan(1e15);
    expect(await storedBucket(limiters.server.client, KEY)).toEqual({
      updatedAtUs: evidence.bucketUs,
      levelsQuanta: [evidence.levelQuanta],
    });
  });

  it('6: products stay below 2^53: a policy beyond is refused, and thirty years of refill are a full bucket', async () => {
    expect(() => limit('1000000000:1000/7d')).toThrow(/2\^52/);
    const limiter = limit('20:9999999/s');
    await limiter.take(ada, { cost: 20 });
    await limiters.server.client.persist(KEY);
    limiters.server.setClockOffsetUs(1e15);
    expect((await limiter.take(ada)).remainingTokens).toBe(19);
  });

  it('7: a denial writes neither level nor time', async () => {
    const limiter = limit('5:1/d');
    await limiter.take(ada, { cost: 4 });
    const before = await limiters.server.client.getBuffer(KEY);
    expect((await limiter.take(ada, { cost: 2 })).allowed).toBe(false);
    expect(await limiters.server.client.getBuffer(KEY)).toEqual(before);
  });

  it('8: denials do not sink the level or let the key live longer', async () => {
    const limiter = limit('5:1/d');
    await limiter.take(ada, { cost: 5 });
    const expiry = await limiters.server.client.call('PEXPIRETIME', KEY);
    expect(await admitted(limiter, 20)).toBe(0);
    expect((await limiter.peek(ada)).levelQuanta).toBeGreaterThanOrEqual(0);
    expect(await limiters.server.client.call('PEXPIRETIME', KEY)).toBe(expiry);
  });

  it('9: a cost above the capacity is an error without a time to wait', async () => {
    const error = await limit('5:1/s')
      .take(ada, { cost: 6 })
      .catch((reason) => reason);
    expect(error).toMatchObject({ code: 'COST_ABOVE_CAPACITY', charge: 'none' });
    expect(error).not.toHaveProperty('retryAfterUs');
  });

  it.each(['1:1000/s', '1000:1000000/s', '1:1/d', '7:3/7s'])(
    '10: the key of %s lives until the bucket is full, and not much longer',
    async (policy) => {
      const limiter = limit(policy);
      await limiter.take(ada);
      const { timeToFullUs } = await limiter.peek(ada);
      const pttl = await limiters.server.client.pttl(KEY);
      expect(pttl * 1_000).toBeGreaterThan(timeToFullUs - 200_000); // while the two were asked
      expect(pttl * 1_000).toBeLessThanOrEqual(timeToFullUs + 1_300_000);
    },
  );

  it('12: a clock that steps back rewinds nothing, and is waited for', async () => {
    const limiter = limit('2:1/s');
    await limiter.take(ada);
    limiters.server.setClockOffsetUs(-60 * SECOND_US);
    expect((await limiter.take(ada)).allowed).toBe(true);
    expect((await limiter.take(ada)).retryAfterUs).toBeGreaterThan(59 * SECOND_US);
    expect(await limiters.server.client.pttl(KEY)).toBeGreaterThan(60_000);
  });

  it('13: a clock that jumps ahead mints one bucket at most', async () => {
    const limiter = limit('5:1/d');
    await limiter.take(ada, { cost: 5 });
    await limiters.server.client.persist(KEY);
    limiters.server.setClockOffsetUs(365 * 86_400 * SECOND_US);
    expect(await admitted(limiter, 20)).toBe(5);
  });

  it('19: a server that forgot its scripts decides, and charges once', async () => {
    const limiter = limit('5:1/d');
    await limiter.take(ada);
    await limiters.server.client.script('FLUSH');
    const together = await Promise.all([limiter.take(ada), limiter.take(ada)]);
    expect(together.map(({ allowed }) => allowed)).toEqual([true, true]);
    expect((await limiter.peek(ada)).remainingTokens).toBe(2);
  });

  it('24: a server that is full refuses, and evicts no bucket unless configured to', async () => {
    const limiter = limit('5:1/d');
    await limiter.take(ada, { cost: 5 });
    const [, policy] = (await limiters.server.client.config('GET', 'maxmemory-policy')) as string[];
    expect(policy).toBe('noeviction');
    await limiters.server.client.config('SET', 'maxmemory', '1');
    await expect(limiter.take({ ...ada, user: 'bob' })).rejects.toMatchObject({
      code: 'REDIS_OUT_OF_MEMORY',
    });
    await limiters.server.client.config('SET', 'maxmemory', '0');
    expect((await limiter.take(ada)).allowed).toBe(false);
  });

  it('25: there are no windows at whose edge the burst doubles', async () => {
    const limiter = limit('10:10/h');
    expect(await admitted(limiter, 20)).toBe(10);
    limiters.server.setClockOffsetUs(360 * SECOND_US); // a tenth of an hour, wherever an hour may begin
    expect(await admitted(limiter, 20)).toBe(1);
  });
});

describe('pitfall', () => {
  const scripts = readdirSync(join(ROOT, 'lua'))
    .filter((file) => file.endsWith('.lua') && file !== 'article.lua') // as published
    .map((file) => ({ file, source: readFileSync(join(ROOT, 'lua', file), 'utf8') }));

  it.each(['1:0/s', '0:1/s', '1:1/0s'])('11: %s is no policy', (policy) =>
    expect(() => parsePolicy(policy)).toThrow(),
  );

  describe.each(scripts)('in $file', ({ source }) => {
    it('14 and 15: nothing deprecated is called', () =>
      expect(source).not.toMatch(/'HMSET'|replicate_commands|'SETEX'/));
    it('17: flags are few: no other slots, and refused when the memory is full', () =>
      expect(source).toMatch(/^#!lua( flags=no-writes)?\n/));
    it('1: no time comes from the caller', () => expect(source).not.toMatch(/^ARGV\S* (now|time)/m));
  });

  it('16: a server without these scripts is distinguished from a failed one', () => {
    const reply = Object.assign(new Error('ERR Error compiling script'), { name: 'ReplyError' });
    const { code, hint } = describeFailure(reply, { written: true, node: 'n' }, undefined);
    expect([code, hint]).toEqual(['REPLY_UNEXPECTED', expect.stringMatching(/Redis 7 or Valkey/)]);
  });

  it.each(['ada', '{a}', 'a}b{', '{}', 'x:y', '%7B'])('18: all keys of %s are in one slot', (user) => {
    const bucket = bucketKey('rate:openclaw', { user, endpoint: 'e' });
    const [take, refund] = [memoryKey(bucket, 'take', 'id'), memoryKey(bucket, 'refund', 'id')];
    expect([keySlot(take), keySlot(refund)]).toEqual([keySlot(bucket), keySlot(bucket)]);
  });
});

/** Rows, and words of the titles of their tests. */
const ELSEWHERE = [
  { row: '6', file: 'test/redis/take-agrees.test.ts', title: 'agrees with the token math' },
  { row: '18', file: 'test/unit/lua-headers.test.ts', title: 'works on one key, on keys of one slot' },
  { row: '19', file: 'test/redis/port-conformance.test.ts', title: 'and one that it has forgotten' },
  {
    row: '19',
    file: 'test/cluster/redis-port.test.ts',
    title: 'follows a slot while it moves and after it has',
  },
  {
    row: '20',
    file: 'test/redis/port-conformance.test.ts',
    title: 'says that a charge is possible, and sends nothing twice',
  },
  {
    row: '20',
    file: 'test/cluster/redis-port.test.ts',
    title: 'says that a charge is possible, and sends nothing twice',
  },
  {
    row: '20',
    file: 'test/cluster/lost-replies.test.ts',
    title: 'with an id the retry is the first admission',
  },
  { row: '21', file: 'test/redis/port-conformance.test.ts', title: 'swallow-replies' },
  { row: '21', file: 'test/redis/port-conformance.test.ts', title: 'never sends later what it gave up on' },
  {
    row: '21',
    file: 'src/limiter/wrappers/failure-policy.test.ts',
    title: 'does not hide that a charge is possible',
  },
  { row: '22', file: 'src/limiter/strategies/bounds.test.ts', title: 'is a bucket for a failover' },
  { row: '23', file: 'test/redis/limiter-api.test.ts', title: 'takes the cost into account' },
  {
    row: '23',
    file: 'src/limiter/wrappers/local-answers.test.ts',
    title: 'denies nothing that Redis would allow',
  },
];

describe('a pitfall that is tested elsewhere', () => {
  it.each(ELSEWHERE)('$row is in $file: $title', ({ file, title }) =>
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title),
  );
});

it('no pitfall of the list is without a test', () => {
  const own = [
    ...readFileSync(import.meta.filename, 'utf8').matchAll(
      /it(?:\.each\([^)]*\))?\(\s*'(\d+)(?: and (\d+))?:/g,
    ),
  ];
  const rows = new Set([
    ...own.flatMap(([, one, other]) => [one, other]),
    ...ELSEWHERE.map(({ row }) => row),
  ]);
  const missing = Array.from({ length: 25 }, (_, i) => String(i + 1)).filter((row) => !rows.has(row));
  expect(missing).toEqual([]);
});
