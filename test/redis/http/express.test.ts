import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Request } from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rateLimit } from '../../../src/http/express.ts';
import { limiterOn } from '../../support/limiter-on.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { readList } from '../../support/structured-fields.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

async function serve(app: Express): Promise<string> {
  const server = createServer(app);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the Express middleware', () => {
  it('limits the routes it is mounted on, with the request of Express', async () => {
    const app = express();
    const limiter = limiterOn(redis.url, '5:1/h');
    const limited = rateLimit({
      limiter,
      subject: ({ params }: Request) => ({ user: String(params.id), endpoint: 'x' }),
    });
    app.get('/users/:id', limited, ({ params }, response) => void response.send(params.id));
    app.get('/free', (_request, response) => void response.send('free'));
    const url = await serve(app);
    const reply = await fetch(`${url}/users/ada`);
    expect(await reply.text()).toBe('ada');
    expect(readList(reply.headers.get('ratelimit'))).toEqual({ default: { r: 4 } });
    expect((await fetch(`${url}/free`)).headers.has('ratelimit')).toBe(false);
    expect(await redis.client.keys('*')).toEqual(['rate:openclaw:ada:x']);
  });

  it('has the body where a parser went before', async () => {
    const app = express();
    const limiter = limiterOn(redis.url, '5:1/h');
    app.use(express.json());
    app.use(rateLimit({ limiter, subject: ({ body }: Request) => ({ ...body, endpoint: 'x' }) }));
    app.post('/', (_request, response) => void response.send('ok'));
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(await serve(app), { method: 'POST', headers, body: '{"user":"ada","cost":3}' });
    expect(readList(reply.headers.get('ratelimit'))).toEqual({ default: { r: 2 } });
  });

  it('stops once other code has replied', async () => {
    let served = 0;
    const app = express();
    const limiter = limiterOn(redis.url, '5:1/h');
    app.use((_request, response, next) => {
      queueMicrotask(() => response.status(504).end());
      next();
    });
    app.use(rateLimit({ limiter, subject: () => ({ user: 'ada', endpoint: 'x' }) }));
    app.use(() => {
      served += 1;
    });
    const url = await serve(app);
    expect((await fetch(url)).status).toBe(504);
    await expect.poll(() => redis.client.dbsize()).toBe(1);
    await limiter.ready();
    expect(served).toBe(0);
  });

  it('gives errors of the application to its own handler', async () => {
    const app = express();
    const limiter = limiterOn(redis.url, '5:1/h');
    app.use(rateLimit({ limiter, subject: () => ({ user: 'ada', endpoint: 'x' }) }));
    app.use(() => {
      throw new Error('of the application');
    });
    app.use(((error: Error, _request: Request, response: express.Response, _next: unknown) => {
      response.status(500).send(error.message);
    }) as express.ErrorRequestHandler);
    const reply = await fetch(await serve(app));
    expect([reply.status, await reply.text()]).toEqual([500, 'of the application']);
    expect(reply.headers.has('ratelimit')).toBe(true);
  });
});
