import '../../src/testing/vitest.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { matchers } from '../../src/testing/matchers.ts';
import { type GiveHistory, recordTakes } from '../../src/testing/record-takes.ts';
import { limiterOn } from '../support/limiter-on.ts';
import { MISTAKES } from '../support/reservations/mistakes.ts';
import { runSchedules, type Schedules } from '../support/reservations/run.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'search' };

describe.each(SERVERS)('recorded takes of our limiter on %s', (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server?.stop());

  const made = (policies: Parameters<typeof limiterOn>[1], prefix: string, more = {}) =>
    recordTakes(limiterOn(server.url, policies, { prefix, ...more }));
  const takeAtOnce = (limiter: Limiter, times: number, cost = 1) =>
    Promise.all(Array.from({ length: times }, () => limiter.take(ada, { cost })));

  it('keep its policy, level by level, and are honest', async () => {
    const { limiter, history } = made('20:5/min', 'one');
    await takeAtOnce(limiter, 100);
    expect(history()).toKeepPolicy('20:5/min');
    expect(history()).toBeHonest();
    expect(history()).not.toKeepPolicy('19:5/min');
    for (const policy of ['21:5/min', '20:10/min']) expect(history()).not.toKeepPolicy(policy); // by the levels
  });

  it('keep it with refunds and resets', async () => {
    const { limiter, history } = made('20:5/h', 'refunds');
    await takeAtOnce(limiter, 30);
    await limiter.refund(ada, { cost: 3 });
    await takeAtOnce(limiter, 10);
    await limiter.reset(ada);
    await takeAtOnce(limiter, 30);
    expect(history()).toKeepPolicy('20:5/h');
    expect(history()).not.toKeepPolicy('19:5/h');
  });

  it('keep several policies', async () => {
    const { limiter, history } = made({ burst: '5:5/min', hourly: '12:12/h' }, 'several');
    await Promise.all(Array.from({ length: 10 }, () => limiter.take(ada, { cost: { burst: 1, hourly: 2 } })));
    expect(history()).toKeepPolicy('burst=5:5/min, hourly=12:12/h', { contested: 1 });
    expect(history()).not.toKeepPolicy('burst=4:5/min, hourly=12:12/h');
    expect(() => expect(history()).toKeepPolicy('5:5/min')).toThrow(
      'decides by the policies burst, hourly together',
    );
  });

  it('count a decision id once', async () => {
    const { limiter, history } = made('10:1/h', 'ids');
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => limiter.take(ada, { decisionId: `order-${at % 5}` })),
    );
    await takeAtOnce(limiter, 8);
    expect(history()).toKeepPolicy('10:1/h');
    expect(history()).not.toKeepPolicy('9:1/h');
  });

  it('in shadow mode are what it would have decided', async () => {
    const { limiter, history } = made('3:1/h', 'shadow', { shadow: true });
    const decisions = await takeAtOnce(limiter, 6);
    expect(decisions.every(({ allowed }) => allowed)).toBe(true);
    expect(history()).toKeepPolicy('3:1/h');
  });

  it('of a bucket that was in use are judged from the first answer on, if that is said', async () => {
    await takeAtOnce(limiterOn(server.url, '20:1/h', { prefix: 'used' }), 15);
    const record = async (initial: 'full' | 'unknown') => {
      const recorded = recordTakes(limiterOn(server.url, '20:1/h', { prefix: 'used' }), { initial });
      await takeAtOnce(recorded.limiter, 1);
      await takeAtOnce(recorded.limiter, 10);
      return recorded.history();
    };
    const isAccused = async (initial: 'full' | 'unknown') => {
      const history = await record(initial);
      return matchers.toKeepPolicy.call({ isNot: true }, history, '20:1/h').pass === false;
    };
    expect([await isAccused('unknown'), await isAccused('full')]).toEqual([false, true]);
  });
});

describe.each(SERVERS)('recorded reservations on %s', { timeout: 120_000 }, (command) => {
  /** Random schedules of four processes whose replies are lost, all recorded as one limiter. */
  async function record(more: Pick<Schedules, 'seed' | 'policies' | 'schedules'> & Partial<Schedules>) {
    let history: GiveHistory = () => {
      throw new Error('nothing was recorded');
    };
    const asked = (limiters: readonly Limiter[]): Limiter => {
      let turn = 0;
      const next = () => limiters[turn++ % limiters.length] as Limiter;
      const all: Limiter = {
        ...next(),
        take: (...args) => next().take(...args),
        reserve: (...args) => next().reserve(...args),
      };
      const recorded = recordTakes(all);
      history = recorded.history;
      return recorded.limiter;
    };
    const own = await runSchedules({ command, replicas: 0, processes: 4, inFlight: 40, ...more, asked });
    return { own, history: history() };
  }
  const enough = { info: 1 };

  it.each([
    { title: 'one policy', policies: { default: '30:4/s' }, policy: '30:4/s', seed: 11 },
    {
      title: 'several policies',
      policies: { burst: '16:20/s', long: '40:3/s' },
      policy: 'burst=16:20/s, long=40:3/s',
      seed: 12,
    },
  ])('keep their policy through lost replies: $title', async ({ policies, policy, seed }) => {
    const { own, history } = await record({ policies, seed, schedules: 40 });
    expect(own).toMatchObject({ totalExcess: 0, falseDenials: 0, violations: [] });
    expect(() => expect(history).not.toKeepPolicy(policy, enough)).toThrow(/verdict {2}(pass|unknown)/);
  });

  it.each(['a settlement does not mark the record', 'a settlement gives back all'])(
    'show it if %s',
    async (name) => {
      const { own, history } = await record({
        ...{ policies: { default: '30:4/s' }, seed: 13, schedules: 40 },
        ...(MISTAKES[name] && { mistake: MISTAKES[name] }),
      });
      expect(own.totalExcess).toBeGreaterThan(0);
      expect(history).not.toKeepPolicy('30:4/s', enough);
    },
  );
});
