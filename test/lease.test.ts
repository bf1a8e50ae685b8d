import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLease, type LeaseOptions } from '../src/limiter/lease/open.ts';
import { SERVERS, startTestServer, type TestServer } from './support/server.ts';

const subject = (user: string) => ({ user, endpoint: 'ratings' });

describe.each(SERVERS)('leases on %s', (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server.stop());

  function holder(policy: string, more: Partial<LeaseOptions> = {}) {
    const redis = { urls: [server.url], commandTimeoutMs: 2_000 };
    const limiter = createLease({ replicas: 0, ...more, policy, redis } as LeaseOptions);
    onTestFinished(() => limiter.close());
    return limiter;
  }

  it('admits by one holder what the bucket holds, and then denies', async () => {
    const limiter = holder('20:1/d');
    const decisions = [];
    for (let i = 0; i < 30; i++) decisions.push(await limiter.take(subject('one')));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(20);
    expect(decisions[0]).toEqual({
      allowed: true,
      remainingTokens: expect.any(Number),
      retryAfterUs: 0,
      evidence: { strategy: 'lease', node: `127.0.0.1:${server.port}`, source: 'lease' },
    });
    expect(decisions.at(-1)?.retryAfterUs).toBeGreaterThan(0);
  });

  it('admits by three holders together what the bucket holds', async () => {
    const limiters = [1, 2, 3].map(() => holder('20:1/d'));
    let admitted = 0;
    await vi.waitUntil(
      async () => {
        const round = await Promise.all(limiters.map((limiter) => limiter.take(subject('shared'))));
        admitted += round.filter(({ allowed }) => allowed).length;
        return admitted >= 20;
      },
      { timeout: 10_000, interval: 1 },
    );
    for (let i = 0; i < 100; i++)
      for (const limiter of limiters) expect((await limiter.take(subject('shared'))).allowed).toBe(false);
    expect(admitted).toBe(20);
  });
});
