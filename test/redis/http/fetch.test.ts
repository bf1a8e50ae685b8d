import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rateLimit as limitFetch } from '../../../src/http/fetch.ts';
import { rateLimit as limitHono } from '../../../src/http/hono.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { readList } from '../../support/structured-fields.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const URL = 'http://example.test/';
const subject = () => ({ user: 'ada', endpoint: 'search' });
const levelOf = (reply: Response) => readList(reply.headers.get('ratelimit'));
const options = () => ({ limiter: limiterOn(redis.url, '2:1/h'), subject });

describe('the wrapper of a Fetch API handler', () => {
  it('passes all arguments of the runtime to handler and subject', async () => {
    const seen: unknown[] = [];
    const handler = (request: Request, env: { region: string }, cause: string) => {
      seen.push(request.url, env, cause);
      return new Response('ok');
    };
    const limited = limitFetch(handler, {
      limiter: limiterOn(redis.url, '2:1/h'),
      subject: (request, env, cause) => ({ user: `${request.method}-${env.region}-${cause}`, endpoint: 'x' }),
    });
    const reply = await limited(new Request(URL), { region: 'eu' }, 'cron');
    expect(await reply.text()).toBe('ok');
    expect(seen).toEqual([URL, { region: 'eu' }, 'cron']);
    expect(await redis.client.keys('*')).toEqual(['rate:openclaw:GET-eu-cron:x']);
  });

  it('keeps the reply of its handler, also if it is immutable', async () => {
    const { port } = await startHttpServer((_, socket) =>
      socket.write(httpReply(200, 'far', { 'x-far': 'yes' })),
    );
    const passing = limitFetch(() => fetch(`http://127.0.0.1:${port}`), options());
    const passed = await passing(new Request(URL));
    expect([passed.status, passed.headers.get('x-far'), await passed.text()]).toEqual([200, 'yes', 'far']);
    expect(levelOf(passed)).toEqual({ default: { r: 1 } });

    const redirecting = limitFetch(() => Response.redirect('http://example.test/there', 307), options());
    const redirected = await redirecting(new Request(URL));
    expect([redirected.status, redirected.headers.get('location')]).toEqual([
      307,
      'http://example.test/there',
    ]);
    expect(levelOf(redirected)).toEqual({ default: { r: 0 } });
  });

  it('keeps a reply that cannot be copied', async () => {
    const error = Response.error();
    expect(await limitFetch(() => error, options())(new Request(URL))).toBe(error);
  });

  it('streams', async () => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('first'));
      },
    });
    const reply = await limitFetch(() => new Response(stream), options())(new Request(URL));
    const reader = reply.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first'); // though it never ends
    await reader?.cancel();
  });

  it('rejects as its handler does', async () => {
    const limited = limitFetch(() => Promise.reject(new Error('of the application')), options());
    await expect(limited(new Request(URL))).rejects.toThrow('of the application');
  });

  it('wraps a whole application of Hono', async () => {
    const app = new Hono().get('/', (context) => context.text('ok'));
    const limited = limitFetch((request: Request) => app.fetch(request), options());
    expect(levelOf(await limited(new Request(URL)))).toEqual({ default: { r: 1 } });
  });
});

describe('the middleware for Hono', () => {
  it('limits the routes that use it, with the context of Hono', async () => {
    const app = new Hono<{ Variables: { user: string } }>();
    app.use('/limited/*', async (context, next) => {
      context.set('user', 'authenticated');
      await next();
    });
    const ofContext = (context: Context) => ({ user: context.get('user') as string, endpoint: 'x' });
    app.use('/limited/*', limitHono({ limiter: limiterOn(redis.url, '2:1/h'), subject: ofContext }));
    app.get('/limited/raw', () => new Response('raw'));
    app.get('/limited/text', (context) => context.text('text'));
    app.get('/free', (context) => context.text('free'));
    expect(levelOf(await app.request('/limited/raw'))).toEqual({ default: { r: 1 } });
    expect(levelOf(await app.request('/limited/text'))).toEqual({ default: { r: 0 } });
    expect((await app.request('/limited/text')).status).toBe(429);
    expect((await app.request('/free')).headers.has('ratelimit')).toBe(false);
    expect(await redis.client.keys('*')).toEqual(['rate:openclaw:authenticated:x']);
  });

  it('keeps the headers of middleware before it, and its own where a handler throws', async () => {
    const app = new Hono();
    app.onError((_error, context) => context.text('failed', 500));
    app.use(cors());
    app.use(async (context, next) => {
      context.header('x-before', 'yes');
      await next();
    });
    app.use(limitHono({ limiter: limiterOn(redis.url, '1:1/h'), subject }));
    app.get('/', () => {
      throw new Error('of the application');
    });
    const failed = await app.request('/');
    expect([failed.status, readList(failed.headers.get('ratelimit-policy'))]).toEqual([
      500,
      { default: { q: 1, w: 3_600 } },
    ]);
    const denied = await app.request('/');
    expect(denied.status).toBe(429);
    expect(denied.headers.get('content-type')).toBe('application/problem+json');
    expect(denied.headers.get('access-control-allow-origin')).toBe('*');
    expect(denied.headers.get('x-before')).toBe('yes');
  });
});
