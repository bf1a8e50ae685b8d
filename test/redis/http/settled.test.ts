import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Request as ExpressRequest } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as forExpress from '../../../src/http/express.ts';
import * as forFastify from '../../../src/http/fastify.ts';
import * as forFetch from '../../../src/http/fetch.ts';
import * as forHono from '../../../src/http/hono.ts';
import { warningOnce } from '../../../src/http/settle.ts';
import { APPS } from '../../support/http-apps.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

const ada = { user: 'ada', endpoint: 'x' };
const asked = { ...ada, cost: 60 };

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const limit = (more = {}) => limiterOn(redis.url, '100:1/d', more);
const left = async () => (await limit().peek(ada)).remainingTokens;
const request = () => new Request('http://x.test/');

/** A promise that a test resolves. */
function gate<T = void>() {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function isOver(promise: Promise<unknown>): Promise<boolean> {
  await new Promise(setImmediate);
  return Promise.race([promise.then(() => true), Promise.resolve(false)]);
}

/** A settle that waits, as one that reads a database. */
const slowly = async () => {
  await new Promise(setImmediate);
  return 10;
};

describe('at a shutdown', () => {
  it('Express waits for the settlements of its last responses', async () => {
    const serving = gate();
    const reply = gate();
    const limiter = limit();
    const onError = vi.fn();
    const app = express();
    const limiting = forExpress.rateLimit({
      ...{ limiter, onError, settle: slowly },
      subject: (_: ExpressRequest) => asked,
    });
    app.use(limiting);
    app.use(async (_, response) => {
      serving.open();
      await reply.opened;
      response.send('x');
    });
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = fetch(url, { headers: { connection: 'close' } });
    await serving.opened;
    const stopped = new Promise((resolve) => server.close(resolve));
    const settled = limiting.settled();
    expect(await isOver(settled)).toBe(false);
    reply.open();
    await Promise.all([stopped, answer]);
    await settled;
    await limiter.close();
    expect([await left(), onError.mock.calls]).toEqual([90, []]);
  });

  it.each(['before', 'after'])(
    'Fastify settles before an onClose hook that was added %s the plugin',
    async (when) => {
      const serving = gate();
      const reply = gate();
      const limiter = limit();
      const onError = vi.fn();
      const app = Fastify();
      const closeAfterwards = () => app.addHook('onClose', () => limiter.close());
      if (when === 'before') closeAfterwards();
      await app.register(forFastify.rateLimit, {
        ...{ limiter, onError, settle: slowly, subject: () => asked },
      });
      if (when === 'after') closeAfterwards();
      app.get('/', async () => {
        serving.open();
        await reply.opened;
        return 'x';
      });
      const url = await app.listen({ host: '127.0.0.1', port: 0 });
      const answer = fetch(url, { headers: { connection: 'close' } });
      await serving.opened;
      const closed = app.close();
      reply.open();
      await Promise.all([answer, closed]);
      expect([await left(), onError.mock.calls]).toEqual([90, []]);
    },
  );

  it('a Fetch handler waits for open responses and for settlements, not for later requests', async () => {
    const cost = gate<number>();
    const limiting = forFetch.rateLimit(() => new Response('x'), {
      ...{ limiter: limit(), subject: () => asked, settle: () => cost.opened },
    });
    const deciding = limiting(request());
    const settled = limiting.settled();
    const response = await deciding;
    expect(await isOver(settled)).toBe(false);
    await response.text();
    expect(await isOver(settled)).toBe(false);
    await limiting(request()); // denied
    cost.open(10);
    await settled;
    expect(await left()).toBe(90);
    await limiting(request());
    await settled;
  });

  it('Hono waits for the end of the body and for the settlement', async () => {
    const limiting = forHono.rateLimit({ limiter: limit(), subject: () => asked, settle: slowly });
    const app = new Hono();
    app.use(limiting);
    app.get('/', (context) => context.text('x'));
    const response = await app.request('/');
    const settled = limiting.settled();
    expect(await isOver(settled)).toBe(false);
    await response.text();
    await settled;
    expect(await left()).toBe(90);
  });

  it('there is nothing to wait for without settle, or after a denial, an error and a failed settlement', async () => {
    const limiter = limit();
    await forExpress.rateLimit({ limiter, subject: () => asked }).settled();
    const onError = vi.fn();
    const handle = forFetch.rateLimit(() => new Response('x'), {
      ...{ limiter, subject: () => asked, settle: () => -1, onError },
    });
    await handle(request()).then((response) => response.text());
    expect((await handle(request())).status).toBe(429);
    await limiter.close();
    expect((await handle(request())).status).toBe(503);
    await handle.settled();
    expect(onError.mock.calls.length).toBeGreaterThan(1);
  });
});

describe.each(APPS)('an onDecision that fails in $framework', ({ start }) => {
  it.each([
    {
      title: 'throws',
      onDecision: () => {
        throw new Error('of onDecision');
      },
    },
    { title: 'rejects', onDecision: () => Promise.reject(new Error('of onDecision')) },
  ])('$title: the request fails, and what was reserved is settled', async ({ onDecision }) => {
    const settle = vi.fn(() => 10);
    const onServed = vi.fn();
    const url = await start({ limiter: limit(), subject: () => asked, settle, onDecision, onServed });
    expect((await fetch(url)).status).toBe(500);
    await expect.poll(left).toBe(90);
    expect([settle.mock.calls.length, onServed.mock.calls.length]).toEqual([1, 0]);
    expect((await fetch(url)).status).toBe(500);
  });
});

describe('without onError', () => {
  const handle = (settle: () => number, more = {}) =>
    forFetch.rateLimit(() => new Response('x'), {
      ...{ limiter: limit(), subject: () => ({ ...ada, cost: 20 }), settle, ...more },
    });
  const serve = async (handler: (request: Request) => Promise<Response>) => (await handler(request())).text();

  it.each([
    { title: 'a settle that throws', more: {}, pattern: /no cost of Ada.*add onError/ },
    {
      title: 'a settle that throws with an onError that does',
      more: { onError: () => Promise.reject(new Error('no log')) },
      pattern: /no cost of Ada.*onError failed too: no log/,
    },
    { title: 'a settlement that is refused', more: {}, actual: 21, pattern: /21.*add onError/ },
  ])('$title warns once for each middleware', async ({ more, actual, pattern }) => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warning.mockRestore());
    const handler = handle(() => {
      if (actual !== undefined) return actual;
      throw new Error('no cost of Ada');
    }, more);
    await serve(handler);
    await serve(handler);
    await handler.settled();
    expect(warning.mock.calls).toEqual([[expect.stringMatching(pattern), 'OpenclawWarning']]);
    expect(await left()).toBe(60);
  });

  it('nothing fails where there is no process', () => {
    const warn = warningOnce();
    vi.stubGlobal('process', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => warn(new Error('x'))).not.toThrow();
  });
});

it.each([{ settle: () => 10 }, {}])('a Fetch handler that gives no Response is an error', async (options) => {
  const handler = forFetch.rateLimit((() => 'a text') as never, {
    ...{ limiter: limit(), subject: () => asked, ...options },
  });
  await expect(handler(request())).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: 'the handler of rateLimit must return a Response; found "a text"',
  });
  await handler.settled();
  expect(await left()).toBe('settle' in options ? 90 : 40);
});
