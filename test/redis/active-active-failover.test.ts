import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import type { ActiveActiveLimiter } from '../../src/limiter/strategies/active-active/active-active.ts';
import { type Replicated, startReplicated } from '../support/replicated.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const CAPACITY = 20;
const POLICY = `${CAPACITY}:1/h`; // so slow that nothing refills while a test runs
const policy = parsePolicy(POLICY);
const subject = { user: 'ada', endpoint: 'x' };

const take = async (limiter: ActiveActiveLimiter, times: number) => {
  for (let i = 0; i < times; i++) expect((await limiter.take(subject)).allowed).toBe(true);
};
const ageUs = async (limiter: ActiveActiveLimiter) => (await limiter.take(subject)).evidence.ageUs;

/** Until a round with the other region that began after this call has ended. */
async function exchange(limiter: ActiveActiveLimiter, other: string): Promise<void> {
  const { rounds } = limiter.progressOf(other);
  await vi.waitUntil(() => limiter.progressOf(other).rounds >= rounds + 2, { timeout: 20_000 });
}

describe.each(SERVERS)('a region of active-active whose %s fails over', { timeout: 120_000 }, (command) => {
  let a: Replicated;
  let b: TestServer;
  beforeEach(async () => {
    [a, b] = await Promise.all([startReplicated(command), startTestServer(command)]);
    return () => Promise.all([a.stop(), b.stop()]);
  }, 60_000);

  function open(name: string, own: string, others: Readonly<Record<string, string>>): ActiveActiveLimiter {
    const at = (url: string) => ({ urls: [url], commandTimeoutMs: 5_000 });
    const region = {
      ...{ name, everyMs: 20 },
      others: Object.fromEntries(Object.entries(others).map(([other, url]) => [other, at(url)])),
    };
    const limiter = createLimiter({ policy: POLICY, strategy: 'active-active', redis: at(own), region });
    onTestFinished(() => limiter.close());
    return limiter as ActiveActiveLimiter;
  }

  /** Region b has read three spends that the replica has, and ten that it has not; then the replica takes over. */
  async function failOver() {
    const before = [open('a', a.primary.url, {}), open('b', b.url, { a: a.primary.url })] as const;
    await take(before[0], 3);
    const isInStep = async () => (await a.replica.client.xlen('{rate:openclaw}:outbox')) === 3;
    await vi.waitUntil(isInStep, { timeout: 20_000 });
    await a.replica.client.call('REPLICAOF', 'NO', 'ONE');
    await take(before[0], 10);
    await exchange(before[1], 'a');
    expect((await before[1].peek(subject)).remainingTokens).toBe(CAPACITY - 13);
    expect(await ageUs(before[1])).toBeGreaterThan(0);
    await Promise.all(before.map((limiter) => limiter.close()));
    return { a: open('a', a.replica.url, {}), b: open('b', b.url, { a: a.replica.url }) };
  }

  it('sends all later admissions to the others, although its outbox repeats ids', async () => {
    const { a: promoted, b: reader } = await failOver();
    await take(promoted, 10);
    await exchange(reader, 'a');
    const { levelQuanta } = await reader.peek(subject);
    const spent = 3 + 10 + 10 + 1; // the last is its own
    expect(Math.floor(levelQuanta / policy.quantaPerToken)).toBe(CAPACITY - spent);
    expect((await reader.take(subject)).allowed).toBe(false);
  });

  it('has its earlier spends counted once', async () => {
    const { a: promoted, b: reader } = await failOver();
    await take(promoted, 1);
    await exchange(reader, 'a');
    expect((await reader.peek(subject)).remainingTokens).toBe(CAPACITY - 15); // 3 + 10 + 1 of a, and 1 of its own
  });

  it('is known with no age, by itself and by the others, also before it admits again', async () => {
    const { a: promoted, b: reader } = await failOver();
    await exchange(reader, 'a');
    expect(await ageUs(reader)).toBeUndefined();
    expect(await ageUs(promoted)).toBeUndefined();
  });

  it('keeps one life while its primary stays, even if replicas come and go', async () => {
    const limiter = open('a', a.primary.url, {});
    await take(limiter, 1);
    const life = await a.primary.client.hget('{rate:openclaw}:region', '.life');
    await a.replica.client.call('REPLICAOF', 'NO', 'ONE');
    await take(limiter, 1);
    expect(await a.primary.client.hget('{rate:openclaw}:region', '.life')).toBe(life);
  });
});

describe.each(SERVERS)('the content of an outbox on %s for a reader', (command) => {
  const keys = ['{t}:region', '{t}:outbox', '{t}:bucket'];
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer(command);
    return () => server.stop();
  }, 30_000);
  const take = () => run('active-take', keys, [20, 1, 1, 1, 1, 0, 60_000_000, 1_000, 'spends']);
  const read = (life: unknown, cursor: string) =>
    run('active-read', keys.slice(0, 2), [String(life), cursor, 100, 60_000_000]);
  const run = (name: string, on: readonly string[], args: readonly (string | number)[]) =>
    server.client.eval(loadScript(name).source, on.length, ...on, ...args.map(String)) as Promise<unknown[]>;
  /** As if another primary had written what is there. */
  const promote = () => server.client.hset('{t}:region', '.primary', 'f'.repeat(40));

  it('is all that there is, once another primary serves it, each entry with the life it was made in', async () => {
    await take();
    const [first] = await read(0, '0-0');
    await promote();
    await take();
    const [second, cursor, newest, missed, ...entries] = await read(first, '0-1');
    expect([cursor, newest, missed]).toEqual(['0-2', '0-2', 0]);
    expect(entries.filter((_, i) => i % 7 === 5)).toEqual([first, second]);
    expect(Number(second)).toBeGreaterThan(Number(first));
  });

  it('does not count entries as missed that were read in an earlier life and trimmed later', async () => {
    for (let i = 0; i < 5; i++) await take();
    const [first] = await read(0, '0-0');
    await promote();
    await server.client.xtrim('{t}:outbox', 'MAXLEN', 2);
    expect((await read(first, '0-3')).slice(1, 4)).toEqual(['0-5', '0-5', 0]);
    expect((await read(first, '0-1')).slice(1, 4)).toEqual(['0-5', '0-5', 2]);
  });

  it('has no life before the first spend', async () => {
    expect(await read(0, '0-0')).toEqual(['0', '0-0', '0-0', 0]);
    expect(await server.client.exists('{t}:region')).toBe(0);
  });
});
