import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { createLease } from '../../src/limiter/strategies/lease/open.ts';
import { drain, holderOn } from '../support/lease/holder-on.ts';
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const subject = (user: string) => ({ user, endpoint: 'ratings' });
/** So long that no test sees one end by time. */
const LONG = { leaseMs: 60_000, marginMs: 100 };

describe.each(SERVERS)('leases on %s', { timeout: 60_000 }, (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server.stop());

  const holder = (policy: string, more: Parameters<typeof holderOn>[2] = {}) =>
    holderOn(server.url, policy, more);

  async function proxied(
    policy: string,
    more: Parameters<typeof holderOn>[2] = {},
  ): Promise<{ proxy: RedisProxy; limiter: ReturnType<typeof holderOn> }> {
    const proxy = await startRedisProxy(server.port);
    onTestFinished(() => proxy.close());
    return { proxy, limiter: holderOn(`redis://127.0.0.1:${proxy.port}`, policy, more) };
  }

  /** Leases of which home knows: each is 56 bytes after the 32 of the bucket, and a byte is last. */
  async function accountsOf(user: string): Promise<number> {
    return ((await server.client.strlen(`rate:openclaw:${user}:ratings`)) - 33) / 56;
  }

  it.each([1, 2, 3])('%i of them admit the tokens of one bucket, and then deny', async (count) => {
    const holders = Array.from({ length: count }, () => holder('20:1/d'));
    expect(await drain(holders, `shared-${count}`)).toBe(20);
  });

  it('reports the lending node, the retry time and the level', async () => {
    const limiter = holder('4:1/h');
    const evidence = { strategy: 'lease', node: `127.0.0.1:${server.port}`, source: 'lease' };
    expect(await limiter.take(subject('told'))).toEqual({
      ...{ allowed: true, remainingTokens: 2, retryAfterUs: 0, evidence },
    });
    await drain([limiter], 'told');
    const denied = limiter.tryTake(subject('told'));
    expect(denied).toEqual({
      allowed: false,
      remainingTokens: 0,
      retryAfterUs: expect.any(Number),
      evidence,
    });
    expect(denied?.retryAfterUs).toBeGreaterThan(3_000_000_000);
  });

  it('decides synchronously while a lease lasts, and otherwise returns undefined', async () => {
    const limiter = holder('1000:1/d');
    expect(limiter.tryTake(subject('at-once'))).toBeUndefined();
    await limiter.take(subject('at-once'));
    for (let i = 0; i < 100; i++)
      expect(limiter.tryTake(subject('at-once'), { cost: 2 })?.allowed).toBe(true);
  });

  it('asks Redis once a window at most for denials', async () => {
    const windowMs = 100;
    const limiter = holder('5:1/h', { lease: { leaseMs: 4 * windowMs, marginMs: 100 } });
    await drain([limiter], 'denied');
    const callsOf = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.client.info('commandstats'))?.[1]);
    const [before, startMs] = [await callsOf(), performance.now()];
    let takes = 0;
    await vi.waitUntil(
      async () => {
        for (let i = 0; i < 100; i++) expect((await limiter.take(subject('denied'))).allowed).toBe(false);
        takes += 100;
        return performance.now() > startMs + 5 * windowMs && takes >= 1_000;
      },
      { timeout: 10_000, interval: 10 },
    );
    const calls = (await callsOf()) - before;
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual((performance.now() - startMs) / windowMs + 1);
  });

  it('finds tokens returned by another within a window, even if home refills slowly', async () => {
    const [busy, short] = [holder('20:20/h'), holder('20:20/h')];
    await Promise.all([busy.ready(), short.ready()]);
    for (const cost of [15, 4]) expect((await busy.take(subject('given'), { cost })).allowed).toBe(true);
    expect((await short.take(subject('given'))).allowed).toBe(false); // the other has all that is left
    await vi.waitUntil(() => short.tryTake(subject('given'))?.allowed, { timeout: 10_000 });
    expect(20 + (await drain([short], 'given'))).toBe(20);
  });

  it('admits a small take where home had too little for a large one', async () => {
    const limiter = holder('100:1/h');
    expect((await limiter.take(subject('mixed'), { cost: 50 })).allowed).toBe(true);
    const large = await limiter.take(subject('mixed'), { cost: 100 });
    expect(large.allowed).toBe(false);
    expect(large.retryAfterUs).toBeGreaterThan(49 * 3_600_000_000);
    const small = limiter.take(subject('mixed'));
    const both = [limiter.take(subject('mixed'), { cost: 100 }), small, limiter.take(subject('mixed'))];
    expect((await Promise.all(both)).map(({ allowed }) => allowed)).toEqual([false, true, true]);
    expect(52 + (await drain([limiter], 'mixed'))).toBe(100);
  });

  it('takes costs, and lends for a large cost the rest of small ones', async () => {
    const [one, other] = [holder('20:1/d'), holder('20:1/d')];
    expect((await one.take(subject('costly'), { cost: 3 })).allowed).toBe(true);
    expect((await other.take(subject('costly'), { cost: 14 })).allowed).toBe(true);
    expect((await other.take(subject('costly'), { cost: 14 })).allowed).toBe(false);
    await expect(one.take(subject('costly'), { cost: 21 })).rejects.toMatchObject({
      code: 'COST_ABOVE_CAPACITY',
    });
  });

  it('charges by tryTake the cost that take would, written alike', async () => {
    const limiter = holder('1000:1/d');
    await limiter.take(subject('alike'));
    for (const cost of [3, { default: 4 }])
      expect(limiter.tryTake(subject('alike'), { cost })?.allowed).toBe(true);
    expect((await limiter.peek(subject('alike'))).remainingTokens).toBe(992);
  });

  it('borrows by one policy that has a name', async () => {
    const limiter = createLease({
      policies: { daily: '20:1/d' },
      redis: { urls: [server.url], commandTimeoutMs: 5_000 },
      replicas: 0,
    });
    onTestFinished(() => limiter.close());
    expect((await limiter.take(subject('named'), { cost: { daily: 20 } })).allowed).toBe(true);
    expect(limiter.policiesOf(subject('named')).map(({ name }) => name)).toEqual(['daily']);
  });

  it.each([
    { title: 'shadow', more: { shadow: true }, want: { allowed: true, shadow: 'denied' } },
    { title: 'failure policies', more: { onFailure: 'open' }, want: { allowed: false } },
  ] as const)(
    'decides by take alone in createLimiter, so that nothing goes past $title',
    async ({ title, more, want }) => {
      const limiter = createLimiter({
        ...{ strategy: 'lease-unacked', policy: '1:1/d', ...more },
        redis: { urls: [server.url], commandTimeoutMs: 5_000 },
      });
      onTestFinished(() => limiter.close());
      expect(limiter).not.toHaveProperty('tryTake');
      expect((await limiter.take(subject(title))).allowed).toBe(true);
      expect(await limiter.take(subject(title))).toMatchObject(want);
    },
  );

  it('returns its tokens when it is closed, and when there are no more takes', async () => {
    const closing = holder('20:1/d', { lease: LONG });
    await closing.take(subject('closing'));
    await closing.close();
    await expect(closing.take(subject('closing'))).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
    expect(await drain([holder('20:1/d')], 'closing')).toBe(19);

    const idle = holder('20:1/d', { lease: { leaseMs: 2_000, marginMs: 60_000 } });
    await idle.take(subject('idle'));
    const other = holder('20:1/d');
    await vi.waitUntil(async () => (await other.peek(subject('idle'))).remainingTokens === 19, {
      timeout: 20_000,
    });
    expect(await drain([other], 'idle')).toBe(19);
  });

  it('goes on where it is cut off, until its lease is over', async () => {
    const leaseMs = 3_000;
    const { proxy, limiter } = await proxied('1000:1/d', {
      lease: { leaseMs, marginMs: 100 },
    });
    await limiter.take(subject('cut-off'));
    proxy.mode = 'cut-before-request';
    proxy.cut();
    const cutMs = performance.now();
    let lastMs = 0;
    await vi.waitUntil(
      () => {
        const decision = limiter.tryTake(subject('cut-off'));
        if (decision?.allowed) lastMs = performance.now();
        return decision === undefined;
      },
      { timeout: 10_000, interval: 5 },
    );
    expect(lastMs).toBeGreaterThan(cutMs);
    expect(lastMs).toBeLessThanOrEqual(cutMs + leaseMs);
    await expect(limiter.take(subject('cut-off'))).rejects.toMatchObject({
      code: 'NO_LEASE',
      charge: 'none',
    });
    proxy.mode = 'pass';
    await vi.waitUntil(() => limiter.tryTake(subject('cut-off'))?.allowed, { timeout: 10_000 });
  });

  it('counts the tokens of a lost process as spent, and drops its lease after the margin', async () => {
    const times = { leaseMs: 1_500, marginMs: 400 };
    const startMs = performance.now();
    const { proxy, limiter } = await proxied('20:100/s', { lease: times });
    await limiter.take(subject('vanished'));
    proxy.mode = 'cut-before-request';
    proxy.cut();
    const other = holder('20:100/s', { lease: times });
    const levels = new Set<number>();
    await vi.waitUntil(
      async () => {
        const { remainingTokens } = await other.peek(subject('vanished'));
        levels.add(remainingTokens);
        return remainingTokens === 20;
      },
      { timeout: 10_000, interval: 10 },
    );
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(times.leaseMs + times.marginMs);
    expect(Math.min(...levels)).toBeLessThan(20);
  });

  it('asks again by the same number when a reply is lost, so that nothing is lent twice', async () => {
    const { proxy, limiter } = await proxied('20:1/d', { lease: LONG, commandTimeoutMs: 1_000 });
    await vi.waitFor(() => limiter.take(subject('the script is known')), { timeout: 10_000 });
    proxy.mode = 'swallow-replies';
    for (let i = 0; i < 3; i++)
      await expect(limiter.take(subject('lost'))).rejects.toMatchObject({ code: 'NO_LEASE', charge: 'none' });
    expect(await accountsOf('lost')).toBe(1);
    proxy.cut();
    proxy.mode = 'pass';
    await vi.waitUntil(() => limiter.tryTake(subject('lost'))?.allowed, { timeout: 30_000 });
    expect(await accountsOf('lost')).toBe(1);
    expect(1 + (await drain([limiter], 'lost'))).toBe(20);
  });

  it('knows the policy of each subject', async () => {
    const overrides = ({ user }: { user: string }) => (user === 'gold' ? { default: '30:1/d' } : undefined);
    const limiter = holder('10:1/d', { overrides });
    expect(await drain([limiter], 'gold')).toBe(30);
    expect(await drain([limiter], 'tin')).toBe(10);
  });

  it('refuses unsupported operations', async () => {
    const limiter = holder('10:1/d');
    const refused = { code: 'INVALID_OPTION', charge: 'none' };
    await expect(limiter.take(subject('no'), { decisionId: 'x' })).rejects.toMatchObject(refused);
    await expect(limiter.refund(subject('no'))).rejects.toMatchObject(refused);
    await expect(limiter.reset(subject('no'))).rejects.toMatchObject(refused);
    const redis = { urls: [server.url] };
    for (const wrong of [
      { strategy: 'lease', policy: '10:1/d' },
      { strategy: 'lease', policy: '10:1/d', replicas: 1, batch: true },
      { strategy: 'lease', policies: { a: '10:1/d', b: '10:1/h' }, replicas: 1 },
      { strategy: 'lease', policy: '10:1/d', replicas: 1, lease: { leaseMs: 0 } },
      { strategy: 'lease', policy: '10:1/d', replicas: 1, lease: { leaseMs: 3_600_000, marginMs: 1 } },
    ] as const)
      expect(() => createLimiter({ ...wrong, redis } as LimiterOptions)).toThrow(
        expect.objectContaining(refused),
      );
  });

  it('lends nothing by acked grants where the replicas are missing', async () => {
    const limiter = holder('10:1/d', { replicas: 1, commandTimeoutMs: 5_000 });
    await vi.waitFor(() => limiter.ready(), { timeout: 10_000 });
    const refused = { code: 'NO_LEASE', cause: { code: 'REPLICAS_MISSING' } };
    await vi.waitFor(() => expect(limiter.take(subject('alone'))).rejects.toMatchObject(refused), {
      timeout: 30_000,
    });
  });
});
