import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FastifyRateLimitOptions, rateLimit } from '../../../src/http/fastify.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { readList } from '../../support/structured-fields.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

const subject = ({ headers }: FastifyRequest) => ({ user: headers['x-user'] as string, endpoint: 'search' });
const ada = { 'x-user': 'ada' };

const withLimiter = (more: Partial<FastifyRateLimitOptions> = {}): FastifyRateLimitOptions => ({
  limiter: limiterOn(redis.url, '5:1/h'),
  subject,
  ...more,
});

/** Serves what `build` makes; gives a function that asks it. */
async function serve(build: (app: FastifyInstance) => void) {
  const app = Fastify();
  onTestFinished(() => app.close());
  build(app);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return (path: string, init: RequestInit = {}) => fetch(url + path, { headers: ada, ...init });
}

const ok = async () => 'ok';
const levelOf = (reply: Response) => readList(reply.headers.get('ratelimit'));
const posting = (body: string) => ({
  method: 'POST',
  body,
  headers: { ...ada, 'content-type': 'application/json' },
});

describe('the Fastify plugin', () => {
  it('limits the routes of its context and of those inside it, and no others', async () => {
    const ask = await serve((app) => {
      app.get('/outside', ok);
      app.register(async (inner) => {
        inner.get('/before', ok);
        inner.register(rateLimit, withLimiter());
        inner.get('/after', ok);
        inner.register(async (innermost) => {
          innermost.get('/inside', ok);
        });
      });
    });
    expect((await ask('/outside')).headers.has('ratelimit')).toBe(false);
    const left = [];
    for (const path of ['/before', '/after', '/inside']) left.push(levelOf(await ask(path)).default?.r);
    expect(left).toEqual([4, 3, 2]);
  });

  it('skips a route with quota: false, and applies the options of another', async () => {
    const ask = await serve((app) => {
      app.register(rateLimit, withLimiter({ policyName: 'all' }));
      app.get('/free', { config: { quota: false } }, ok);
      app.get('/dear', { config: { quota: { cost: 3, policyName: 'dear' } } }, ok);
      app.get('/apart', { config: { quota: { endpoint: 'apart' } } }, ok);
      app.get(
        '/strict',
        { config: { quota: { limiter: limiterOn(redis.url, '2:1/h'), endpoint: 'x' } } },
        ok,
      );
      app.get('/plain', ok);
    });
    expect((await ask('/free', { headers: {} })).status).toBe(200);
    expect(levelOf(await ask('/dear'))).toEqual({ dear: { r: 2 } });
    expect(levelOf(await ask('/apart'))).toEqual({ all: { r: 4 } });
    const strict = await ask('/strict');
    expect(readList(strict.headers.get('ratelimit-policy'))).toEqual({ all: { q: 2, w: 7_200 } });
    expect(levelOf(await ask('/plain'))).toEqual({ all: { r: 1 } });
    expect((await ask('/dear')).status).toBe(429);
  });

  it('rejects every request on a route whose policy name does not fit a header', async () => {
    const errors: unknown[] = [];
    const ask = await serve((app) => {
      app.register(rateLimit, withLimiter({ onError: (error) => errors.push(error) }));
      app.get('/', { config: { quota: { policyName: '"' } } }, ok);
    });
    expect((await ask('/')).status).toBe(503);
    expect(errors).toMatchObject([{ code: 'INVALID_OPTION' }]);
  });

  it('limits twice where two are registered, in their order', async () => {
    const ask = await serve((app) => {
      app.register(rateLimit, withLimiter({ policyName: 'all' }));
      app.register(async (inner) => {
        inner.register(
          rateLimit,
          withLimiter({ policyName: 'inner', subject: () => ({ user: 'x', endpoint: 'y' }) }),
        );
        inner.get('/', ok);
      });
    });
    expect(levelOf(await ask('/'))).toEqual({ inner: { r: 4 } });
    const all = await redis.client.keys('*');
    expect(all.sort()).toEqual(['rate:openclaw:ada:search', 'rate:openclaw:x:y']);
  });

  it('charges no token for an unknown route', async () => {
    const ask = await serve((app) => void app.register(rateLimit, withLimiter()));
    expect((await ask('/nothing')).status).toBe(404);
    expect(await redis.client.dbsize()).toBe(0);
  });

  it.each([
    { hook: 'onRequest', charged: 1, title: 'charges requests that the application rejects, by default' },
    { hook: 'preHandler', charged: 0, title: 'charges no token for an invalid body in preHandler' },
  ] as const)('$title', async ({ hook, charged }) => {
    const schema = { body: { type: 'object', required: ['item'] } };
    const ask = await serve((app) => {
      app.register(rateLimit, withLimiter(hook === 'onRequest' ? {} : { hook }));
      app.post('/', { schema }, ok);
    });
    for (const body of ['{', '{}']) expect((await ask('/', posting(body))).status, body).toBe(400);
    expect(await redis.client.dbsize()).toBe(charged);
  });

  it('has the parsed body in preHandler', async () => {
    const ofBody = ({ body }: FastifyRequest) => ({
      ...(body as { user: string; cost: number }),
      endpoint: 'x',
    });
    const ask = await serve((app) => {
      app.register(rateLimit, withLimiter({ hook: 'preHandler', subject: ofBody }));
      app.post('/', ok);
    });
    expect(levelOf(await ask('/', posting('{"user":"grace","cost":4}')))).toEqual({ default: { r: 1 } });
  });

  it('runs after the hooks that were added before it', async () => {
    const ask = await serve((app) => {
      app.decorateRequest('user', '');
      app.addHook('onRequest', async (request) => {
        Object.assign(request, { user: 'authenticated' });
      });
      app.register(
        rateLimit,
        withLimiter({
          subject: (request) => ({ user: (request as unknown as { user: string }).user, endpoint: 'search' }),
        }),
      );
      app.get('/', ok);
    });
    expect((await ask('/', { headers: {} })).status).toBe(200);
    expect(await redis.client.keys('*')).toEqual(['rate:openclaw:authenticated:search']);
  });

  it('stops once other code has replied', async () => {
    let served = 0;
    const ask = await serve((app) => {
      app.addHook('onRequest', async (_request, reply) => {
        queueMicrotask(() => reply.code(504).send('too late'));
      });
      app.register(rateLimit, withLimiter());
      app.get('/', async () => {
        served += 1;
      });
    });
    expect((await ask('/')).status).toBe(504);
    expect(served).toBe(0);
  });
});
