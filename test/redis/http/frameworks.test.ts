import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Decision } from '../../../src/core/decision.ts';
import { freePort } from '../../support/free-port.ts';
import { APPS, type AppOptions } from '../../support/http-apps.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startRedisProxy } from '../../support/redis-proxy.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { readList } from '../../support/structured-fields.ts';

const TYPES = 'https://iana.org/assignments/http-problem-types';
const TWO = { burst: '2:1/h', daily: '3:1/h' };
const ada = { headers: { 'x-user': 'ada' } };

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const limiterOf = (policies: string | Record<string, string>, more?: { shadow: boolean }) =>
  limiterOn(redis.url, policies, more);

describe.each(APPS)('in $framework', ({ start }) => {
  /** An application that is asked over HTTP; `served` counts the requests that reached it. */
  async function startApp(options: Partial<AppOptions> & Pick<AppOptions, 'limiter'>) {
    const app = { url: '', served: 0, decisions: [] as Decision[], errors: [] as unknown[] };
    app.url = await start({
      subject: (header) => ({ user: header('x-user'), endpoint: 'search' }),
      onDecision: (decision) => app.decisions.push(decision),
      onError: (error) => app.errors.push(error),
      ...options,
      onServed: () => {
        app.served += 1;
      },
    });
    return { ...app, app, ask: (init: RequestInit = ada) => fetch(app.url, init) };
  }

  it('an allowed request gets headers for every policy, and is served', async () => {
    const { ask, app } = await startApp({ limiter: limiterOf(TWO) });
    const reply = await ask();
    expect([reply.status, reply.headers.get('x-own'), await reply.text()]).toEqual([201, 'yes', 'hello']);
    expect(readList(reply.headers.get('ratelimit-policy'))).toEqual({
      burst: { q: 2, w: 7_200 },
      daily: { q: 3, w: 10_800 },
    });
    expect(readList(reply.headers.get('ratelimit'))).toEqual({ burst: { r: 1 }, daily: { r: 2 } });
    for (const name of ['retry-after', 'openclaw-shadow', 'openclaw-decision'])
      expect(reply.headers.has(name), name).toBe(false);
    expect(app).toMatchObject({ served: 1, decisions: [{ allowed: true }], errors: [] });
  });

  it('a denied request gets the policies that denied it, and the retry time', async () => {
    const { ask, app } = await startApp({ limiter: limiterOf(TWO) });
    await ask();
    await ask();
    const reply = await ask();
    expect(reply.status).toBe(429);
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
    expect(reply.headers.has('x-own')).toBe(false);
    const retryAfter = Number(reply.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(3_500);
    expect(retryAfter).toBeLessThanOrEqual(3_600);
    const levels = { burst: { r: 0, t: retryAfter }, daily: { r: 1 } };
    expect(readList(reply.headers.get('ratelimit'))).toEqual(levels);
    expect(readList(reply.headers.get('ratelimit-policy'))).toHaveProperty('burst.q', 2);
    expect(await reply.json()).toMatchObject({
      type: `${TYPES}#quota-exceeded`,
      status: 429,
      'violated-policies': ['burst'],
    });
    expect(app.served).toBe(2);
    expect(app.decisions.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    expect((await ask({ headers: { 'x-user': 'grace' } })).status).toBe(201);
  });

  it('a single policy has the given name, and several have their own', async () => {
    const one = await startApp({ limiter: limiterOf('1:1/h'), policyName: 'searches' });
    await one.ask();
    const denied = await one.ask();
    expect(readList(denied.headers.get('ratelimit-policy'))).toEqual({ searches: { q: 1, w: 3_600 } });
    expect(readList(denied.headers.get('ratelimit'))).toHaveProperty('searches.r', 0);
    expect(await denied.json()).toMatchObject({ 'violated-policies': ['searches'] });
    const several = await startApp({ limiter: limiterOf(TWO), policyName: 'searches' });
    const reply = await several.ask({ headers: { 'x-user': 'grace' } });
    expect(Object.keys(readList(reply.headers.get('ratelimit-policy')))).toEqual(['burst', 'daily']);
  });

  it('cost and decision id are those that the subject has, at once or later', async () => {
    const subject: AppOptions['subject'] = async (header) => ({
      user: header('x-user'),
      endpoint: 'search',
      cost: 2,
      decisionId: 'of-the-service',
    });
    const { ask, app } = await startApp({ limiter: limiterOf('5:1/h'), subject });
    const replies = [await ask(), await ask()];
    expect(replies.map(({ headers }) => readList(headers.get('ratelimit')))).toEqual([
      { default: { r: 3 } },
      { default: { r: 3 } },
    ]);
    expect(app.decisions[1]).toMatchObject({ allowed: true, isRemembered: true });
  });

  const plain = new TypeError('secret');
  const toldAs = (statusCode: unknown) => Object.assign(new Error('say who you are'), { statusCode });
  const NO_USER = 'The request has no user.';
  it.each<[string, AppOptions['subject'], number, string, unknown[]]>([
    ['gives nothing', () => undefined, 400, NO_USER, []],
    ['gives null later', async () => null, 400, NO_USER, []],
    ['gives no user', () => ({ user: undefined, endpoint: 'search' }), 400, NO_USER, []],
    ['gives an empty user', () => ({ user: '', endpoint: 'search' }), 400, NO_USER, []],
    [
      'throws',
      () => {
        throw plain;
      },
      400,
      NO_USER,
      [plain],
    ],
    ['rejects', () => Promise.reject(plain), 400, NO_USER, [plain]],
    [
      'throws what is no error',
      () => {
        throw 'x';
      },
      400,
      NO_USER,
      ['x'],
    ],
    [
      'throws an error of status 401',
      () => {
        throw toldAs(401);
      },
      401,
      'say who you are',
      [],
    ],
    [
      'throws an error of status 200',
      () => {
        throw toldAs(200);
      },
      400,
      NO_USER,
      [toldAs(200)],
    ],
  ])(
    'a request whose subject %s is refused and charges no bucket',
    async (_, subject, status, detail, errors) => {
      const { ask, app } = await startApp({ limiter: limiterOf('5:1/h'), subject });
      const reply = await ask();
      expect(reply.status).toBe(status);
      expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
      expect(await reply.json()).toMatchObject({ status, detail, charge: 'none' });
      expect(app).toMatchObject({ served: 0, errors });
      expect(await redis.client.dbsize()).toBe(0);
    },
  );

  it.each([
    {
      title: 'a number as user',
      asked: { user: 7 },
      wrong: { status: 400, code: 'INVALID_SUBJECT' },
      message: 'user in the result of subject must be text; found 7',
    },
    {
      title: 'an unknown option',
      asked: { costs: 3 },
      wrong: { status: 503, code: 'INVALID_OPTION' },
      message: /^unknown option "costs" of the result of subject; known options: user, endpoint, cost, /,
    },
    {
      title: 'an option of settle',
      asked: { expiresMs: 1_000 },
      wrong: { status: 503, code: 'INVALID_OPTION' },
      message: 'expiresMs in the result of subject requires option settle',
    },
    {
      title: 'no object',
      asked: 'ada',
      wrong: { status: 503, code: 'INVALID_OPTION' },
      message: /^the result of subject must be an object with user, endpoint.*; found "ada"/,
    },
  ])('a subject that gives $title is reported to onError, and takes nothing', async (one) => {
    const { asked, wrong, message } = one;
    const subject = () =>
      (typeof asked === 'string' ? asked : { user: 'ada', endpoint: 'search', ...asked }) as never;
    const { ask, app } = await startApp({ limiter: limiterOf('5:1/h'), subject });
    const reply = await ask();
    expect(await reply.json()).toMatchObject({ ...wrong, charge: 'none' });
    expect(reply.status).toBe(wrong.status);
    const text = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(app).toMatchObject({ served: 0, errors: [{ code: wrong.code, message: text }] });
    expect(await redis.client.dbsize()).toBe(0);
  });

  it.each<[string, object, string]>([
    ['a user of 300 bytes', { user: 'x'.repeat(300) }, 'INVALID_SUBJECT'],
    ['a cost of nothing', { user: 'ada', cost: 0 }, 'INVALID_COST'],
    ['a cost above the capacity', { user: 'ada', cost: 6 }, 'COST_ABOVE_CAPACITY'],
  ])('an invalid request is rejected with 400: %s', async (_title, fields, code) => {
    const subject = () => ({ user: '', endpoint: 'search', ...fields });
    const { ask, app } = await startApp({ limiter: limiterOf('5:1/h'), subject });
    const reply = await ask();
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ code, charge: 'none' });
    expect(app).toMatchObject({ served: 0, errors: [{ code }] });
  });

  it('an undecided request is rejected, and no token was charged', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { ask, app } = await startApp({ limiter: limiterOn(url, '5:1/h') });
    const reply = await ask();
    expect(reply.status).toBe(503);
    expect(readList(reply.headers.get('ratelimit-policy'))).toEqual({ default: { q: 5, w: 18_000 } });
    for (const name of ['ratelimit', 'retry-after']) expect(reply.headers.has(name), name).toBe(false);
    const problem = { type: `${TYPES}#temporary-reduced-capacity`, status: 503, charge: 'none' };
    expect(await reply.json()).toMatchObject({ ...problem, code: 'REDIS_UNREACHABLE' });
    expect(app).toMatchObject({ served: 0, decisions: [], errors: [{ code: 'REDIS_UNREACHABLE' }] });
  });

  it('a request whose decision was lost is refused, and a charge is possible', async () => {
    const proxy = await startRedisProxy(redis.port);
    onTestFinished(() => proxy.close());
    const url = `redis://127.0.0.1:${proxy.port}`;
    const { ask, app } = await startApp({ limiter: limiterOn(url, '5:1/h') });
    expect((await ask()).status).toBe(201);
    proxy.mode = 'cut-before-reply';
    const reply = await ask();
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'REPLY_LOST', charge: 'possible' });
    expect(app.served).toBe(1);
  });

  it('a limiter with a bug rejects every request', async () => {
    const limiter = { ...limiterOf('5:1/h'), take: () => Promise.reject(plain) };
    const { ask, app } = await startApp({ limiter });
    const reply = await ask();
    expect(reply.status).toBe(503);
    expect(await reply.text()).not.toContain('secret');
    expect(app).toMatchObject({ served: 0, errors: [plain] });
  });

  const throws = () => {
    throw new Error('of the application');
  };
  const rejects = async () => {
    await sleep(5);
    throws();
  };
  it.each([
    ['onDecision', 'throws', throws],
    ['onError', 'throws', throws],
    ['onDecision', 'rejects later', rejects],
    ['onError', 'rejects later', rejects],
  ])(
    '%s that %s rejects every request, and its error reaches the framework',
    async (name, _how, throwing) => {
      const policies = name === 'onDecision' ? '5:1/h' : '1:1/h';
      const subject = () => ({ user: 'ada', endpoint: 'search', cost: name === 'onDecision' ? 1 : 2 });
      const { ask, app } = await startApp({ limiter: limiterOf(policies), subject, [name]: throwing });
      expect((await ask()).status).toBe(500);
      expect(app.served).toBe(0);
    },
  );

  it('shadow mode denies no request and reports the real result', async () => {
    const limiter = limiterOf({ burst: '1:1/h', daily: '3:1/h' }, { shadow: true });
    const { ask, app } = await startApp({ limiter });
    expect((await ask()).headers.has('openclaw-shadow')).toBe(false);
    const reply = await ask();
    expect([reply.status, reply.headers.get('openclaw-shadow')]).toEqual([201, 'denied']);
    expect(readList(reply.headers.get('ratelimit'))).toMatchObject({
      burst: { r: 0, t: 3_600 },
      daily: { r: 2 },
    });
    expect(reply.headers.has('retry-after')).toBe(false);
    expect(app).toMatchObject({ served: 2, decisions: [{}, { allowed: true, shadow: 'denied' }] });
  });

  it('shadow mode reports that it could not decide', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { ask, app } = await startApp({
      limiter: limiterOn(url, '5:1/h', { shadow: true }),
    });
    const reply = await ask();
    expect([reply.status, reply.headers.get('openclaw-shadow')]).toEqual([201, 'REDIS_UNREACHABLE']);
    expect(reply.headers.has('ratelimit')).toBe(false);
    expect(app.served).toBe(1);
  });

  it('the evidence is sent if the option is set', async () => {
    const { ask } = await startApp({ limiter: limiterOf('5:1/h'), evidence: true });
    expect((await ask()).headers.get('openclaw-decision')).toMatch(/^strategy="central", node=/);
  });

  it('a HEAD that is denied has no body', async () => {
    const { ask } = await startApp({ limiter: limiterOf('1:1/h') });
    await ask();
    const reply = await ask({ ...ada, method: 'HEAD' });
    expect([reply.status, await reply.text()]).toEqual([429, '']);
  });

  it('no two requests of many share a token', async () => {
    const { ask, app } = await startApp({ limiter: limiterOf('20:1/h') });
    const replies = await Promise.all(Array.from({ length: 60 }, () => ask()));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(40);
    expect(app.served).toBe(20);
  });

  it('a name that does not fit a header is refused at once', async () => {
    const refused = startApp({ limiter: limiterOf('5:1/h'), policyName: 'a"b' });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
