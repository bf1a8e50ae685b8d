import { describe, expect, it, onTestFinished } from 'vitest';
import { createGateway } from '../../../src/rating/gateway.ts';
import { freePort } from '../../support/free-port.ts';
import { type Answer, type HttpServer, httpReply, startHttpServer } from '../../support/http-server.ts';
import { newLimiter, postRating as post, rating, startService } from '../../support/rating-service.ts';
import { rawRequest } from '../../support/raw-request.ts';
import { startTestServer } from '../../support/server.ts';

const REDUCED = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';
const SOON = { timeout: 10_000, interval: 10 };
const json = { 'content-type': 'application/json' };
const ada = { 'x-openclaw-user': 'ada' };

const LIMIT_HEADERS = {
  'content-type': 'application/problem+json',
  'ratelimit-policy': '"ratings";q=2;w=4',
  ratelimit: '"ratings";r=0;t=3',
  'retry-after': '3',
  'openclaw-decision': 'strategy="central", node="n", source=redis, level="7"',
  'openclaw-stated': '{"remaining":0.5}',
};

it('sends requests to several services in turn, each once, and names the one in the reply', async () => {
  const services = await Promise.all([created, created, hangUp].map((answer) => startHttpServer(answer)));
  for (const service of services) onTestFinished(() => service.stop());
  const url = await listen(services.map((service) => service.url));
  const replies: [number, string | null][] = [];
  for (let at = 0; at < 6; at++) {
    const reply = await post(url);
    replies.push([reply.status, reply.headers.get('openclaw-instance')]);
  }
  const round: [number, string][] = [
    [201, '1'],
    [201, '2'],
    [504, '3'],
  ];
  expect(replies).toEqual([...round, ...round]);
  expect(services.map(({ requests }) => requests.length)).toEqual([2, 2, 2]);
  const { url: alone } = await startGateway((_, socket) =>
    socket.write(httpReply(200, '{}', { 'openclaw-instance': '7' })),
  );
  expect((await post(alone)).headers.has('openclaw-instance')).toBe(false);
});

describe('the gateway passes on', () => {
  it.each([201, 200, 400, 429, 503])('a reply %i with its headers and body', async (status) => {
    const { url } = await startGateway((_, socket) =>
      socket.write(httpReply(status, '{"a":1}', LIMIT_HEADERS)),
    );
    const reply = await post(url);
    expect(reply.status).toBe(status);
    expect(Object.fromEntries(reply.headers)).toMatchObject(LIMIT_HEADERS);
    expect(await reply.text()).toBe('{"a":1}');
  });

  it('a POST with its path, query, type, user, cost and body, to the byte', async () => {
    const { url, upstream } = await startGateway(created);
    const body = '{"item": "\u00fc",\t"score":5}\r\n';
    const headers = { ...json, ...ada, 'x-openclaw-cost': '2' };
    await fetch(`${url}/v1/ratings?a=%20b`, { method: 'POST', headers, body });
    const [seen] = upstream.requests;
    expect(seen).toMatchObject({ method: 'POST', path: '/v1/ratings?a=%20b', headers });
    expect(Buffer.from(seen?.body ?? '', 'latin1').toString()).toBe(body);
  });

  it('a GET without a body', async () => {
    const { url, upstream } = await startGateway(created);
    await fetch(`${url}/v1/ratings/paper-1`, { headers: ada });
    expect(upstream.requests).toMatchObject([{ method: 'GET', path: '/v1/ratings/paper-1', headers: ada }]);
    expect(upstream.requests[0]?.headers['content-length']).toBeUndefined();
  });

  it('no header that is foreign or belongs to one hop', async () => {
    const foreign =
      'cookie: a=b\r\nauthorization: Basic eA==\r\nx-forwarded-for: 1.2.3.4\r\nexpect: 100-continue';
    const hop =
      'connection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\nkeep-alive: timeout=9\r\nproxy-authorization: x';
    const { url, upstream } = await startGateway((_, socket) =>
      socket.write(
        'HTTP/1.1 201 Created\r\nset-cookie: a=b\r\nserver: x\r\nkeep-alive: timeout=9\r\nx-other: 1\r\n' +
          'transfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
      ),
    );
    const head = `GET /v1/ratings/x HTTP/1.1\r\nhost: front\r\nx-openclaw-user: ada\r\n${hop}\r\n${foreign}\r\n\r\n`;
    const reply = await rawRequest(url, head);
    expect(upstream.requests[0]?.headers).toEqual({
      ...ada,
      host: `127.0.0.1:${upstream.port}`,
      connection: 'keep-alive',
    });
    expect(reply).toMatch(/\r\nconnection: close\r\n/i);
    expect(reply).not.toMatch(/set-cookie|server:|keep-alive|x-other|chunked/i);
    expect(reply.endsWith('\r\n\r\n{"a":1}')).toBe(true);
  });

  it('the value of a header to the byte', async () => {
    const { url } = await startGateway((_, socket) =>
      socket.write(httpReply(201, '', { 'openclaw-decision': '"\u20ac"' })),
    );
    const reply = await rawRequest(url, 'GET /v1/ratings/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(reply).toContain(`openclaw-decision: ${Buffer.from('"\u20ac"').toString('latin1')}\r\n`);
  });

  it('600 requests at a time, each once', async () => {
    const waiting: (() => void)[] = [];
    let open = false;
    const { url, upstream } = await startGateway((request, socket) => {
      const answer = () => created(request, socket);
      if (open) answer();
      else waiting.push(answer);
    });
    const users = Array.from({ length: 600 }, (_, index) => `u${index}`);
    const replies = users.map((user) => post(url, user));
    await expect.poll(() => waiting.length, SOON).toBe(512); // all that the pool holds; the rest queues
    open = true;
    for (const answer of waiting) answer();
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(users.map(() => 201));
    expect(usersOf(upstream).sort()).toEqual(users.sort());
  });
});

describe('the gateway itself answers', () => {
  it.each([
    ['404 to an unknown path', '/v2/ratings', '{}', 404],
    ['404 to the path above', '/v1', '{}', 404],
    ['400 to what is no URL', '/v1/%zz', '{}', 400],
    ['413 to a body of 16,385 bytes', '/v1/ratings', 'x'.repeat(16_385), 413],
  ])('%s', async (_title, path, body, status) => {
    const { url, upstream } = await startGateway(created);
    const reply = await fetch(url + path, { method: 'POST', headers: { ...json, ...ada }, body });
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
    expect(await reply.json()).toMatchObject({ status, charge: 'none' });
    expect(upstream.requests).toEqual([]);
    expect((await post(url, 'ada', 'x'.repeat(16_384))).status).toBe(201);
  });

  it.each([
    ['whose port is closed', async () => `http://127.0.0.1:${await freePort()}`],
    ['whose name is unknown', async () => `http://${'x'.repeat(64)}.invalid:8080`],
  ])('503 charge none for a service %s', async (_title, upstream) => {
    const reply = await post(await listen(await upstream()));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ type: REDUCED, code: 'SERVICE_UNREACHABLE', charge: 'none' });
  });
});

describe('the gateway answers 504 charge possible and sends nothing twice when the service', () => {
  const whole = httpReply(201, rating('x', 5));
  it.each<[string, Answer]>([
    ['closes without a reply', (_, socket) => socket.end()],
    ['resets the connection', (_, socket) => socket.resetAndDestroy()],
    ['closes within the head', (_, socket) => socket.end(whole.slice(0, 30))],
    ['closes within the body', (_, socket) => socket.end(whole.slice(0, -1))],
    ['does not speak HTTP', (_, socket) => socket.write('250 hello\r\n\r\n')],
    ['never replies', () => {}],
  ])('%s', async (_title, fail) => {
    const { url, upstream } = await startGateway((request, socket) => {
      if (/before|after/.test(userOf(request))) created(request, socket);
      else fail(request, socket);
    });
    await Promise.all([post(url, 'before-1'), post(url, 'before-2')]); // so that open connections are found
    const got = fetch(`${url}/v1/ratings/x`, { headers: { 'x-openclaw-user': 'get' } });
    for (const reply of await Promise.all([post(url, 'post'), got])) {
      expect(reply.status).toBe(504);
      const problem = { type: REDUCED, code: 'SERVICE_REPLY_LOST', charge: 'possible' };
      expect(await reply.json()).toMatchObject(problem);
    }
    expect((await post(url, 'after')).status).toBe(201);
    expect(usersOf(upstream).sort()).toEqual(['after', 'before-1', 'before-2', 'get', 'post']);
  });

  it('closes a connection just as the next request is written on it: lost or answered, never both', async () => {
    const { url, upstream } = await startGateway((request, socket) => {
      if (request.nth > 0) return; // it read one more, after it closed: it may have acted on it
      socket.write(httpReply(201));
      setTimeout(() => socket.end(), request.serial % 4);
    });
    const outcomes = new Map<string, number>();
    const worker = async (name: string) => {
      for (let nth = 0; nth < 50; nth++)
        outcomes.set(`${name}-${nth}`, (await post(url, `${name}-${nth}`)).status);
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => worker(`w${index}`)));
    const seen = usersOf(upstream);
    expect(new Set(seen).size).toBe(seen.length);
    expect([...new Set(outcomes.values())].sort()).toEqual([201, 504]); // it did meet the moment
    for (const [user, status] of outcomes) if (status === 201) expect(seen).toContain(user);
  });
});

describe('a gateway that fails over', () => {
  const undecided =
    (charge: string): Answer =>
    (_, socket) =>
      socket.write(httpReply(503, JSON.stringify({ code: 'REPLY_LOST', charge }), LIMIT_HEADERS));
  const closing: Answer = (_, socket) => socket.end();

  it.each<[string, Answer]>([
    ['gives no reply', closing],
    ['cannot decide', undecided('possible')],
  ])('asks the next service under the same id when the first %s', async (_title, first) => {
    const { url, services } = await startFailingOver(first, created);
    expect((await post(url)).status).toBe(201);
    const ids = services.map(({ requests }) => requests[0]?.headers['x-openclaw-decision-id']);
    expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
    expect(ids[1]).toBe(ids[0]);
    await post(url);
    expect(services[0]?.requests[1]?.headers['x-openclaw-decision-id']).not.toBe(ids[0]);
  });

  it.each([201, 400, 429])('takes %i for an answer', async (status) => {
    const { url, services } = await startFailingOver((_, socket) => socket.write(httpReply(status)), created);
    expect((await post(url)).status).toBe(status);
    expect(services[1]?.requests).toEqual([]);
  });

  it.each<[string, Answer, Answer, string]>([
    ['none where none of them may have', undecided('none'), undecided('none'), 'none'],
    ['possible where the first may have', closing, undecided('none'), 'possible'],
    ['possible where the last may have', undecided('none'), undecided('possible'), 'possible'],
    [
      'possible where one does not say',
      (_, socket) => socket.write(httpReply(503)),
      undecided('none'),
      'possible',
    ],
  ])('replies, if no service decides, that a charge is %s', async (_title, first, second, charge) => {
    const { url } = await startFailingOver(first, second);
    const reply = await post(url);
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'REPLY_LOST', charge });
  });

  it.each<[number, string, Answer, string | undefined]>([
    [429, 'possible where the first gave no reply', closing, 'possible'],
    [429, 'possible where the first may have', undecided('possible'), 'possible'],
    [429, 'not possible where the first has not', undecided('none'), undefined],
    [400, 'possible where the first gave no reply', closing, 'possible'],
  ])('replies, if the second replies %i, that a charge is %s', async (status, _title, first, charge) => {
    const detail = 'für ada';
    const body = Buffer.from(JSON.stringify({ status, detail })).toString('latin1');
    const second: Answer = (_, socket) => socket.write(httpReply(status, body, LIMIT_HEADERS), 'latin1');
    const { url } = await startFailingOver(first, second);
    const reply = await post(url);
    expect(reply.status).toBe(status);
    expect(Object.fromEntries(reply.headers)).toMatchObject(LIMIT_HEADERS);
    expect(await reply.json()).toEqual({ status, detail, ...(charge && { charge }) });
  });

  it.each<[string, string, Answer, string]>([
    ['possible where the first gave no reply', 'fallback, charge=none', closing, 'fallback, charge=possible'],
    ['possible where the first may have', 'fallback', undecided('possible'), 'fallback, charge=possible'],
    [
      'as the second says where the first has not',
      'fallback, charge=none',
      undecided('none'),
      'fallback, charge=none',
    ],
    ['not said where Redis admitted it: an id is charged once', 'redis', closing, 'redis'],
  ])('replies, if the second admits, that a charge is %s', async (_title, said, first, told) => {
    const head = 'strategy="central", node="none", source=';
    const second: Answer = (_, socket) =>
      socket.write(httpReply(201, '{}', { ...LIMIT_HEADERS, 'openclaw-decision': head + said }));
    const { url } = await startFailingOver(first, second);
    const reply = await post(url);
    expect([reply.status, reply.headers.get('openclaw-decision')]).toEqual([201, head + told]);
    expect(Object.fromEntries(reply.headers)).toMatchObject({ ratelimit: LIMIT_HEADERS.ratelimit });
  });

  it("passes no user's id on, alone or not", async () => {
    const headers = { ...ada, 'x-openclaw-decision-id': 'mine' };
    const alone = await startGateway(created);
    const two = await startFailingOver(created, created);
    for (const { url } of [alone, two]) await fetch(`${url}/v1/ratings/x`, { headers });
    expect(alone.upstream.requests[0]?.headers).not.toHaveProperty('x-openclaw-decision-id');
    expect(two.services[0]?.requests[0]?.headers['x-openclaw-decision-id']).not.toBe('mine');
  });

  it('charges a request once whose reply from the first region was lost', async () => {
    const redis = await startTestServer('redis-server');
    onTestFinished(() => redis.stop());
    const limiter = newLimiter(redis.url);
    const service = await startService({ limiter, decisionIds: true });
    const losing = await startHttpServer(async ({ headers }, socket) => {
      const id = headers['x-openclaw-decision-id'] ?? '';
      const sent = {
        method: 'POST',
        headers: { ...json, ...ada, 'x-openclaw-decision-id': id },
        body: rating('x', 5),
      };
      expect((await fetch(`${service}/v1/ratings`, sent)).status).toBe(201); // the first region decides,
      socket.end(); // and its gateway never hears of it
    });
    onTestFinished(() => losing.stop());
    const url = await listen(losing.url, [service]);
    expect((await post(url)).status).toBe(201);
    expect((await limiter.peek({ user: 'ada', endpoint: 'ratings' })).remainingTokens).toBe(1);
  });
});

const hangUp: Answer = (_, socket) => socket.destroy();
const created: Answer = (_, socket) => socket.write(httpReply(201));

function userOf({ headers }: { headers: Readonly<Record<string, string>> }): string {
  return headers['x-openclaw-user'] ?? '';
}

function usersOf(upstream: HttpServer): string[] {
  return upstream.requests.map(userOf);
}

/** Starts a service that answers as the test says, and a gateway in front of it; both end with the test. */
async function startGateway(answer: Answer): Promise<{ url: string; upstream: HttpServer }> {
  const upstream = await startHttpServer(answer);
  onTestFinished(() => upstream.stop());
  return { url: await listen(upstream.url), upstream };
}

async function startFailingOver(...answers: Answer[]): Promise<{ url: string; services: HttpServer[] }> {
  const services = await Promise.all(answers.map((answer) => startHttpServer(answer)));
  for (const service of services) onTestFinished(() => service.stop());
  const [first = '', ...others] = services.map(({ url }) => url);
  return { url: await listen(first, others), services };
}

async function listen(
  upstream: string | readonly string[],
  failOver: readonly string[] = [],
): Promise<string> {
  const app = createGateway({ region: 'r0', upstream, failOver });
  onTestFinished(() => app.close());
  return app.listen({ host: '127.0.0.1', port: 0 });
}
