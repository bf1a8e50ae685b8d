import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OpenclawError } from '../../../src/core/errors.ts';
import * as forExpress from '../../../src/http/express.ts';
import * as forFastify from '../../../src/http/fastify.ts';
import * as forFetch from '../../../src/http/fetch.ts';
import * as forHono from '../../../src/http/hono.ts';
import type { Cost, Level } from '../../../src/limiter/limiter.ts';
import { APPS } from '../../support/http-apps.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

const ada = { user: 'ada', endpoint: 'x' };
const BOTH = { requests: '10:1/d', tokens: '100:1/d' };

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const limit = (more = {}) => limiterOn(redis.url, BOTH, more);
const left = async () => (await limit().peek(ada)).policies?.map(({ remainingTokens }) => remainingTokens);
const asked = { ...ada, cost: { tokens: 60 } };

describe.each(APPS)('settling in $framework', ({ start }) => {
  /** Serves one request with these options; gives the level while it was served, and the errors. */
  async function serve(settle: () => Cost | Promise<Cost>, more = {}) {
    const limiter = limit(more);
    const errors: unknown[] = [];
    let during: Promise<Level> | undefined;
    const url = await start({
      ...{ limiter, settle, subject: () => asked, onError: (error) => errors.push(error) },
      onServed: () => {
        during = limiter.peek(ada);
      },
    });
    const reply = await fetch(url);
    await reply.text();
    const levels = (await during)?.policies?.map(({ remainingTokens }) => remainingTokens);
    return { url, status: reply.status, during: levels, errors, limiter };
  }

  it('holds the cost while the request is served, and gives back the rest afterwards', async () => {
    const { status, during, errors, url } = await serve(async () => ({ tokens: 15 }));
    expect([status, during]).toEqual([201, [9, 40]]);
    await expect.poll(left).toEqual([9, 85]);
    expect((await fetch(url)).headers.get('ratelimit')).toContain('"tokens";r=25');
    expect(errors).toEqual([]);
  });

  it('says with option evidence that an admitted request is settled later', async () => {
    const settledOf = async (user: string, more = {}) => {
      const options = { limiter: limit(), settle: () => ({}), onServed: () => {}, ...more };
      const url = await start({ ...options, subject: () => ({ ...asked, user }) });
      return (await fetch(url)).headers.get('openclaw-settled');
    };
    expect(await settledOf('bob')).toBeNull();
    expect(await settledOf('ada', { evidence: true })).toBe('later');
    expect(await settledOf('ada', { evidence: true })).toBeNull(); // denied
  });

  it('settles at what is held if more was used, and reports it', async () => {
    const { errors } = await serve(() => ({ tokens: 61, requests: 0 }));
    await expect.poll(left).toEqual([10, 40]);
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    expect(errors).toMatchObject([{ code: 'ACTUAL_ABOVE_HELD' }]);
  });

  it.each([
    {
      title: 'it throws',
      settle: () => {
        throw new Error('no cost');
      },
      error: { message: 'no cost' },
    },
    {
      title: 'it rejects',
      settle: () => Promise.reject(new Error('no cost')),
      error: { message: 'no cost' },
    },
    { title: 'it returns nothing', settle: () => undefined as never, error: { code: 'INVALID_OPTION' } },
    { title: 'it returns less than 0', settle: () => -1, error: { code: 'INVALID_OPTION' } },
    { title: 'it names no policy', settle: () => ({ token: 1 }), error: { code: 'INVALID_COST' } },
  ])('leaves all spent and reports it if $title', async ({ settle, error }) => {
    const { errors, limiter } = await serve(settle);
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    expect(errors).toMatchObject([error]);
    expect(await left()).toEqual([9, 40]);
    const records = (await redis.client.keys('{*')).length;
    expect([records, await limiter.peek(ada)]).toMatchObject([1, { remainingTokens: 9 }]);
  });

  it('is not asked where the request was denied', async () => {
    await limit().take(ada, { cost: { tokens: 50 } });
    const settle = vi.fn(() => 0);
    expect((await serve(settle)).status).toBe(429);
    expect(settle).not.toHaveBeenCalled();
  });

  it('goes on in shadow mode, and gives nothing back that is not held', async () => {
    await limit().take(ada, { cost: { tokens: 50 } });
    const { status, errors } = await serve(() => ({ tokens: 1 }), { shadow: true });
    expect([status, errors, await left()]).toEqual([201, [], [9, 50]]);
  });
});

describe('settling after a connection was closed', () => {
  async function abort(url: string, isServed: () => boolean): Promise<void> {
    const controller = new AbortController();
    const reply = fetch(url, { signal: controller.signal }).catch(() => {});
    await expect.poll(isServed).toBe(true);
    controller.abort();
    await reply;
  }

  it('in Express', async () => {
    const app = express();
    let isServed = false;
    app.use(
      forExpress.rateLimit({
        ...{ limiter: limit(), subject: (_: Request) => asked },
        settle: (_, __, response) => ({ tokens: response.writableFinished ? 60 : 7 }),
      }),
    );
    app.use(() => {
      isServed = true;
    });
    const server = createServer(app);
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await abort(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => isServed);
    await expect.poll(left).toEqual([9, 93]);
  });

  it('in Fastify', async () => {
    const app = Fastify();
    onTestFinished(() => app.close());
    let isServed = false;
    app.register(forFastify.rateLimit, {
      ...{ limiter: limit(), subject: () => asked },
      settle: (_, __, reply) => ({ tokens: reply.raw.writableFinished ? 60 : 7 }),
    });
    app.get('/', () => {
      isServed = true;
      return new Promise(() => {});
    });
    await abort(await app.listen({ host: '127.0.0.1', port: 0 }), () => isServed);
    await expect.poll(left).toEqual([9, 93]);
  });
});

describe('settling in a Fetch handler', () => {
  const parts = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const text of ['a', 'b', 'c']) controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
  const request = (method = 'GET') => new Request('http://x.test/', { method });
  const settle = vi.fn((_: unknown, response: Response | undefined) => ({
    tokens: Number(response?.headers.get('used') ?? 9),
  }));
  const handle = (respond: () => Response) =>
    forFetch.rateLimit(async () => respond(), { limiter: limit(), subject: () => asked, settle });
  beforeEach(() => settle.mockClear());

  it('comes after the end of a body in parts', async () => {
    const response = await handle(() => new Response(parts(), { headers: { used: '5' } }))(request());
    const reader = response.body?.getReader();
    await reader?.read();
    expect(settle).not.toHaveBeenCalled();
    while (!(await reader?.read())?.done);
    expect(settle).toHaveBeenCalledTimes(1);
    await expect.poll(left).toEqual([9, 95]);
  });

  it.each([
    {
      title: 'a body that is cancelled',
      respond: () => new Response(parts()),
      after: (one: Response) => one.body?.cancel(),
    },
    { title: 'no body', respond: () => new Response(null, { status: 204 }), after: () => {} },
    {
      title: 'a request for the head only',
      method: 'HEAD',
      respond: () => new Response('x'),
      after: () => {},
    },
  ])('comes at once with $title', async ({ respond, after, method }) => {
    await after(await handle(respond)(request(method)));
    await expect.poll(left).toEqual([9, 91]);
    expect(settle).toHaveBeenCalledTimes(1);
  });

  it('comes once, if a body is cancelled while a read of it waits', async () => {
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const reader = (await handle(() => new Response(endless))(request())).body?.getReader();
    await reader?.read();
    const waiting = reader?.read();
    await new Promise(setImmediate); // the body is asked for more
    await reader?.cancel();
    await waiting;
    await expect.poll(left).toEqual([9, 91]);
    expect(settle).toHaveBeenCalledTimes(1);
  });

  it('comes after a body that failed, and the error is passed on', async () => {
    const failing = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) });
    const response = await handle(() => new Response(failing))(request());
    await expect(response.text()).rejects.toThrow('broken');
    await expect.poll(left).toEqual([9, 91]);
  });

  it('comes without a response if the handler throws, and the error is passed on', async () => {
    const handler = handle(() => {
      throw new Error('of the application');
    });
    await expect(handler(request())).rejects.toThrow('of the application');
    await expect.poll(left).toEqual([9, 91]);
    expect(settle.mock.calls[0]?.[1]).toBeUndefined();
  });
});

it('settling in Hono comes after the end of the body, with the variables of the context', async () => {
  const app = new Hono<{ Variables: { used: number } }>();
  app.use(
    forHono.rateLimit({
      ...{ limiter: limit(), subject: () => asked },
      settle: (_, context: forHono.HonoContext & { get(name: string): number }) => ({
        tokens: context.get('used'),
      }),
    }),
  );
  app.get('/', (context) => {
    context.set('used', 20);
    return context.text('ok');
  });
  const response = await app.request('/');
  expect([response.status, await response.text()]).toEqual([200, 'ok']);
  expect(response.headers.get('ratelimit')).toContain('"tokens";r=40');
  await expect.poll(left).toEqual([9, 80]);
});

it.each([
  { title: 'answers an error', respond: () => Response.error(), result: 0 },
  {
    title: 'throws no Error',
    respond: () => {
      throw 'a text';
    },
    result: 'a text',
  },
])('settling in Hono comes after a handler that $title', async ({ respond, result }) => {
  const app = new Hono();
  app.use(forHono.rateLimit({ limiter: limit(), subject: () => asked, settle: () => ({ tokens: 20 }) }));
  app.get('/', respond);
  const answer = Promise.resolve(app.request('/')).then(({ status }) => status);
  expect(await answer.catch((error: unknown) => error)).toBe(result);
  await expect.poll(left).toEqual([9, 80]);
});

it.each([
  { title: 'a limiter without reserve', options: { limiter: { take() {}, policiesOf() {} }, settle() {} } },
  { title: 'a settle that is no function', options: { settle: 3 } },
])('is refused with $title', ({ options }) => {
  const whole = { limiter: limit(), subject: () => asked, ...options } as never;
  expect(() => forExpress.rateLimit(whole)).toThrow(OpenclawError);
});

it('expires if it is never settled', async () => {
  const limiter = limit();
  const reserve = vi.spyOn(limiter, 'reserve');
  const subject = () => ({ ...asked, expiresMs: 60_000 });
  const handler = forFetch.rateLimit(() => new Response('never read'), { limiter, subject, settle: () => 0 });
  await handler(new Request('http://x.test/'));
  expect(reserve).toHaveBeenCalledWith(ada, { cost: asked.cost, expiresMs: 60_000 });
});
