import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import type { ActiveActiveLimiter } from '../../src/limiter/strategies/active-active/active-active.ts';
import { SERVERS, startTestServer } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';

const S = 1_000_000;
const MAX_AGE_US = 60 * S;
const [REGION, OUTBOX, CURSORS, BUCKET] = ['{t}:region', '{t}:outbox', '{t}:cursors', '{t}:bucket'];

describe.each(SERVERS)('the age of knowledge on %s', { timeout: 60_000 }, (command) => {
  let server: SteppableServer;
  beforeAll(async () => {
    server = await startSteppableServer(command);
  });
  beforeEach(async () => {
    server.setClockOffsetUs(0);
    await server.client.flushall();
  });
  afterAll(() => server.stop());

  const run = (name: string, keys: readonly string[], args: readonly (string | number)[]) =>
    server.client.eval(loadScript(name).source, keys.length, ...keys, ...args.map(String)) as Promise<
      number[]
    >;
  /** Of a look by a region with one other. */
  const ageUs = async () => {
    const args = [20, 1, 1, 0, 1, 1, MAX_AGE_US, 1_000, 'spends'];
    return (await run('active-take', [REGION, OUTBOX, BUCKET], args))[4] ?? Number.NaN;
  };
  /** A merge of nothing for the other region; `asked` ends a round that began then. */
  const merge = async (request = '') => {
    const cursor = request === '' ? '' : '0-0';
    const args = ['b', 2, 0, cursor, request, MAX_AGE_US, 'spends', '0 0-0', 0];
    const [clockUs = 0, , , steps = 0] = await run('active-merge', [REGION, CURSORS], args);
    return `${clockUs} ${steps}`;
  };
  const round = async () => merge(await merge());

  it('is that of the last round', async () => {
    expect(await ageUs()).toBe(-1);
    await round();
    server.setClockOffsetUs(5 * S);
    expect(await ageUs()).toBeGreaterThanOrEqual(5 * S);
  });

  it.each([
    { title: 'that is longer than the other was not heard of', cutUs: S, backUs: 30 * S },
    { title: 'that is shorter', cutUs: 10 * S, backUs: 5 * S },
  ])('is not known after a step back $title, until a round ends', async ({ cutUs, backUs }) => {
    await round();
    server.setClockOffsetUs(cutUs);
    await merge(); // the round that the cut keeps from ending
    server.setClockOffsetUs(cutUs - backUs);
    expect(await ageUs()).toBe(-1);
    await merge();
    expect(await ageUs()).toBe(-1);
    server.setClockOffsetUs(cutUs + S); // the clock has caught up
    expect(await ageUs()).toBe(-1);
    await round();
    expect(await ageUs()).toBeLessThan(S);
  });

  it('is never counted from a time in the future', async () => {
    await server.client.hset(REGION, 'b', String((Date.now() + 30_000) * 1_000));
    expect(await ageUs()).toBe(-1);
  });

  it('is not known by a round that began before a step back that another round noticed', async () => {
    const began = await merge();
    server.setClockOffsetUs(3 * S);
    await merge();
    server.setClockOffsetUs(2 * S);
    await merge();
    await merge(began);
    expect(await ageUs()).toBe(-1);
    await round();
    expect(await ageUs()).toBeGreaterThanOrEqual(0);
  });

  it('is not known by a limiter that is cut off when its clock steps back', async () => {
    const other = await startTestServer(command);
    const open = (name: string, own: string, from: string, to: string): ActiveActiveLimiter => {
      const at = (url: string, commandTimeoutMs: number) => ({ urls: [url], commandTimeoutMs });
      const region = { name, others: { [from]: at(to, 200) }, everyMs: 20 };
      const limiter = createLimiter({
        ...{ strategy: 'active-active', policy: '20:5/s', prefix: 't', redis: at(own, 10_000), region },
      });
      onTestFinished(() => limiter.close());
      return limiter as ActiveActiveLimiter;
    };
    const limiter = open('a', server.url, 'b', other.url);
    const decide = async () =>
      (await limiter.take({ user: 'u', endpoint: 'e' })).evidence.ageUs ?? 'not known';
    await vi.waitUntil(async () => (await decide()) !== 'not known', { timeout: 20_000, interval: 50 });
    await other.stop();
    await vi.waitUntil(async () => Number(await decide()) > 500_000, { timeout: 20_000, interval: 100 });
    server.setClockOffsetUs(-30 * S);
    expect(await decide()).toBe('not known');
    const hasNoticed = async () => (await server.client.hget(REGION, '.steps')) === '1';
    await vi.waitUntil(hasNoticed, { timeout: 20_000 }); // at its next attempt to hear of the other
    server.setClockOffsetUs(S);
    expect(await decide()).toBe('not known');
  });
});
