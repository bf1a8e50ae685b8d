import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parseEvidence } from '../../../src/core/decision.ts';
import { freePort } from '../../support/free-port.ts';
import {
  newLimiter,
  POLICY,
  postRating as post,
  rating,
  startService,
} from '../../support/rating-service.ts';
import { rawRequest } from '../../support/raw-request.ts';
import { startRedisProxy } from '../../support/redis-proxy.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { storedBucket } from '../../support/stored-bucket.ts';

const ONE_TOKEN = POLICY.quantaPerToken;
const SOON = { timeout: 10_000, interval: 20 };
const TYPES = 'https://iana.org/assignments/http-problem-types';
const PROBLEM = /^application\/problem\+json\b/;
const GOOD = rating('paper-1', 5);
const json = { 'content-type': 'application/json' };
const ada = { 'x-openclaw-user': 'ada' };

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());
beforeEach(() => redis.client.flushall());

describe('a valid request', () => {
  it('gets 201 or 200 and the remaining tokens', async () => {
    const url = await startService({ redisUrl: redis.url });
    const posted = await post(url, 'ada', rating('paper-1', 4));
    expect(posted.status).toBe(201);
    expect(posted.headers.get('ratelimit-policy')).toBe('"ratings";q=2;w=7200');
    expect(posted.headers.get('ratelimit')).toBe('"ratings";r=1');
    expect(posted.headers.has('retry-after')).toBe(false);
    expect(posted.headers.has('openclaw-decision')).toBe(false);
    expect(await posted.json()).toEqual({ item: 'paper-1', count: 1, mean: 4 });
    expect(await levelOf('ada')).toBe(ONE_TOKEN);

    const got = await fetch(`${url}/v1/ratings/paper-1`, { headers: ada });
    expect(got.status).toBe(200);
    expect(got.headers.get('ratelimit')).toBe('"ratings";r=0');
    expect(await got.json()).toEqual({ item: 'paper-1', count: 1, mean: 4 });
    expect(Number(await levelOf('ada'))).toBeLessThan(POLICY.quantaPerToken);
  });

  it('is denied with 429 once its user has no token left, and its rating is not counted', async () => {
    const url = await startService({ redisUrl: redis.url });
    await post(url, 'ada', rating('paper-1', 1));
    await post(url, 'ada', rating('paper-1', 1));
    const denied = await post(url, 'ada', rating('paper-1', 5));
    expect(denied.status).toBe(429);
    expect(denied.headers.get('content-type')).toMatch(PROBLEM);
    const retryAfter = Number(denied.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(3_500); // an hour, less what this test took
    expect(retryAfter).toBeLessThanOrEqual(3_600);
    expect(denied.headers.get('ratelimit')).toBe(`"ratings";r=0;t=${retryAfter}`);
    expect(denied.headers.get('ratelimit-policy')).toBe('"ratings";q=2;w=7200');
    const problem = { type: `${TYPES}#quota-exceeded`, status: 429, 'violated-policies': ['ratings'] };
    expect(await denied.json()).toMatchObject(problem);
    const other = await post(url, 'grace', rating('paper-1', 1));
    expect(await other.json()).toEqual({ item: 'paper-1', count: 3, mean: 1 });
  });

  it('is charged to its user alone, and /healthz to no user', async () => {
    const url = await startService({ redisUrl: redis.url });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await redis.client.dbsize()).toBe(0);
    const users = ['a.b', 'a+b', 'a@b', 'a_b', 'a-b', 'A-B', 'x'.repeat(128)];
    for (const user of users)
      expect((await post(url, user)).headers.get('ratelimit'), user).toBe('"ratings";r=1');
    expect(await redis.client.dbsize()).toBe(users.length);
  });

  it('costs the tokens of its cost header', async () => {
    const url = await startService({ redisUrl: redis.url });
    const asking = (cost: string) =>
      fetch(`${url}/v1/ratings/x`, { headers: { ...ada, 'x-openclaw-cost': cost } });
    expect((await asking('2')).headers.get('ratelimit')).toBe('"ratings";r=0');
    expect((await asking('1')).status).toBe(429);
  });

  it.each([
    { title: 'is charged once for one decision id, where those are taken', decisionIds: true, left: 1 },
    { title: 'is charged each time where decision ids are not taken', decisionIds: false, left: 0 },
  ])('$title', async ({ decisionIds, left }) => {
    const url = await startService({ redisUrl: redis.url, decisionIds });
    const headers = { ...json, ...ada, 'x-openclaw-decision-id': 'once' };
    const send = () => fetch(`${url}/v1/ratings`, { method: 'POST', headers, body: GOOD });
    const replies = [await send(), await send()];
    expect(replies.map(({ status }) => status)).toEqual([201, 201]);
    expect(Math.floor(((await levelOf('ada')) ?? 0) / ONE_TOKEN)).toBe(left);
  });

  it.each(['', 'a b', 'x'.repeat(65)])('is refused with the decision id %j', async (id) => {
    const url = await startService({ redisUrl: redis.url, decisionIds: true });
    const reply = await fetch(`${url}/v1/ratings/x`, { headers: { ...ada, 'x-openclaw-decision-id': id } });
    expect(reply.status).toBe(400);
    expect(await redis.client.dbsize()).toBe(0);
  });

  it('is answered, when asked for, with the evidence that Redis holds', async () => {
    const url = await startService({ redisUrl: redis.url, evidence: true });
    const replies = [await post(url), await post(url)];
    const [, second, denied] = [...replies, await post(url)].map((reply) =>
      parseEvidence(reply.headers.get('openclaw-decision') ?? ''),
    );
    const held = await storedBucket(redis.client, 'rate:openclaw:ada:ratings');
    const [levelQuanta = Number.NaN] = held?.levelsQuanta ?? [];
    const common = { strategy: 'central', node: `127.0.0.1:${redis.port}`, source: 'redis' };
    const bucketUs = held?.updatedAtUs ?? Number.NaN;
    expect(second).toEqual({ ...common, atUs: bucketUs, bucketUs, levelQuanta });
    expect(denied).toMatchObject(common);
    expect(denied?.atUs).toBeGreaterThan(bucketUs);
    const gained = ((denied?.bucketUs ?? 0) - bucketUs) * POLICY.quantaPerUs;
    expect(denied?.levelQuanta).toBe(levelQuanta + gained);
  });
});

const USER = /^x-openclaw-user must be 1 to 128 visible ASCII characters/;
const ITEM = /^item must be 1 to 128 letters/;
const SCORE = /^score must be a whole number from 1 to 5; found/;
const LARGE = /too large/;
const MEDIA = /Media Type/;
const get = (path: string, headers = ada): RequestInit & { path: string } => ({
  method: 'GET',
  path,
  headers,
});
const COST = /^x-openclaw-cost must be a whole number from 1 to 2; found/;
const costing = (cost: string) => ({ headers: { ...json, ...ada, 'x-openclaw-cost': cost }, body: GOOD });
const by = (user: string) => ({ headers: { ...json, 'x-openclaw-user': user }, body: GOOD });
const saying = (body: string) => ({ headers: { ...json, ...ada }, body });
const typed = (type: string) => ({ headers: { ...ada, 'content-type': type }, body: GOOD });

describe('an invalid request is rejected and charges no token:', () => {
  it.each<[string, RequestInit & { path?: string }, number, RegExp]>([
    ['no user', { headers: json, body: GOOD }, 400, USER],
    ['an empty user', by(''), 400, USER],
    ['a user of 129 letters', by('x'.repeat(129)), 400, USER],
    ['a user of 10 kB', by('x'.repeat(10_240)), 400, USER],
    ['a user with a blank', by('ada lovelace'), 400, USER],
    ['a user with a tab', by('ada\tlovelace'), 400, USER],
    ['a user beyond ASCII', by('ad\u00e0'), 400, USER],
    ...['0', '3', '-1', '1.5', '1e0', '01', ' ', 'two', '99999999999999999999'].map(
      (cost): [string, RequestInit, number, RegExp] => [`a cost of ${cost}`, costing(cost), 400, COST],
    ),
    ['no item', saying('{"score":5}'), 400, ITEM],
    ['an item in braces', saying(rating('{x}', 5)), 400, ITEM],
    ['an item that is a number', saying(rating(7, 5)), 400, ITEM],
    ['an item of 129 letters', saying(rating('x'.repeat(129), 5)), 400, ITEM],
    ['no score', saying('{"item":"x"}'), 400, SCORE],
    ...[0, 6, 2.5, -1, 1e300, '5', null, [5]].map((score): [string, RequestInit, number, RegExp] => [
      `a score of ${JSON.stringify(score)}`,
      saying(rating('x', score)),
      400,
      SCORE,
    ]),
    ['broken JSON', saying('{"item":'), 400, /JSON/],
    ['a list', saying('[1]'), 400, SCORE],
    ['null', saying('null'), 400, SCORE],
    ['a prototype', saying('{"__proto__":{"item":"x","score":5}}'), 400, /JSON/],
    ['an empty body', saying(''), 400, /empty/],
    ['no body', { headers: ada }, 400, SCORE],
    ['a body of 1,025 bytes', saying(GOOD.padEnd(1_025)), 413, LARGE],
    ['a body of 100 kB', saying('x'.repeat(100_000)), 413, LARGE],
    ['plain text', typed('text/plain'), 415, MEDIA],
    ['a form', typed('application/x-www-form-urlencoded'), 415, MEDIA],
    ['no content type', { headers: ada, body: Buffer.from(GOOD) }, 415, MEDIA],
    ['no such path', { ...saying(GOOD), path: '/v1/rating' }, 404, /no such resource: POST/],
    ['no such method', { ...saying(GOOD), method: 'PUT' }, 404, /no such resource: PUT/],
    ['a GET without a user', get('/v1/ratings/x', {} as typeof ada), 400, USER],
    ['a GET of an item in braces', get('/v1/ratings/%7Bx%7D'), 400, ITEM],
    ['a GET of no item', get('/v1/ratings/'), 400, ITEM],
    ['a GET of 129 letters', get(`/v1/ratings/${'x'.repeat(129)}`), 414, /max param length/],
    ['a GET of no URL', get('/v1/ratings/%zz'), 400, /not a valid url/],
  ])('%s', async (_title, { path = '/v1/ratings', ...request }, status, detail) => {
    const response = await fetch(`${await startService({ redisUrl: redis.url })}${path}`, {
      method: 'POST',
      ...request,
    });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(PROBLEM);
    const problem = { status, charge: 'none', detail: expect.stringMatching(detail) };
    expect(await response.json()).toMatchObject(problem);
    expect(response.headers.has('ratelimit')).toBe(false);
    expect(await redis.client.keys('*')).toEqual([]);
  });

  it.each([
    ['a user over two lines', 'x-openclaw-user: ada\r\n x', 400],
    ['a user with a NUL', 'x-openclaw-user: ada\0', 400],
    ['two users', 'x-openclaw-user: ada\r\nx-openclaw-user: grace', 400],
    ['two costs', 'x-openclaw-user: ada\r\nx-openclaw-cost: 1\r\nx-openclaw-cost: 2', 400],
    ['20 kB of headers', `x-openclaw-user: ada\r\nx-filler: ${'x'.repeat(20_480)}`, 431],
  ])('%s, byte by byte', async (_title, headers, status) => {
    const url = await startService({ redisUrl: redis.url });
    const request = `GET /v1/ratings/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n\r\n`;
    expect(await rawRequest(url, request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(await redis.client.keys('*')).toEqual([]);
    expect((await post(url)).status).toBe(201); // and the service is still there
  });
});

describe('if the limiter cannot decide, the reply is 503 and', () => {
  it('says that nothing was charged: Redis never ran', async () => {
    const url = await startService({ redisUrl: `redis://127.0.0.1:${await freePort()}` });
    await expectReducedCapacity(await post(url), { code: 'REDIS_UNREACHABLE', charge: 'none' });
  });

  it('says that nothing was charged: Redis has stopped', async () => {
    const going = await startTestServer('redis-server');
    onTestFinished(() => going.stop());
    const url = await startService({ redisUrl: going.url });
    expect((await post(url)).status).toBe(201);
    await going.process.stop();
    await expect
      .poll(async () => (await post(url)).json(), SOON)
      .toMatchObject({ code: 'REDIS_UNREACHABLE' });
    await expectReducedCapacity(await post(url), { code: 'REDIS_UNREACHABLE', charge: 'none' });
  });

  it.each([
    { lost: 'cut-before-reply', code: 'REPLY_LOST', timeoutMs: 10_000 },
    { lost: 'swallow-replies', code: 'REPLY_TIMEOUT', timeoutMs: 1_000 },
  ] as const)(
    'says that a charge is possible when the reply is lost: $lost',
    async ({ lost, code, timeoutMs }) => {
      const proxy = await startRedisProxy(redis.port);
      onTestFinished(() => proxy.close());
      const limiter = newLimiter(`redis://127.0.0.1:${proxy.port}`, timeoutMs);
      await limiter.ready();
      const url = await startService({ limiter, evidence: true });
      expect((await post(url, 'grace')).status).toBe(201); // connected, and the script is known to the server
      proxy.mode = lost;
      await expectReducedCapacity(await post(url), { code, charge: 'possible' });
      expect(await levelOf('ada')).toBe(ONE_TOKEN); // it was charged

      proxy.mode = 'pass';
      proxy.cut();
      await expect.poll(async () => (await post(url, 'hopper')).status, SOON).toBe(201);
      expect(await levelOf('ada')).toBe(ONE_TOKEN); // and not again
    },
  );

  it('says that a charge is possible when it fails itself', async () => {
    const broken = { ...newLimiter(redis.url), take: () => Promise.reject(new TypeError('a bug')) };
    const reply = await post(await startService({ limiter: broken }));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'INTERNAL', charge: 'possible' });
  });
});

async function expectReducedCapacity(reply: Response, want: { code: string; charge: string }): Promise<void> {
  expect(reply.status).toBe(503);
  expect(reply.headers.get('content-type')).toMatch(PROBLEM);
  expect(reply.headers.get('ratelimit-policy')).toBe('"ratings";q=2;w=7200');
  expect(reply.headers.has('ratelimit')).toBe(false);
  expect(reply.headers.has('openclaw-decision')).toBe(false);
  expect(await reply.json()).toMatchObject({ type: `${TYPES}#temporary-reduced-capacity`, ...want });
}

async function levelOf(user: string): Promise<number | undefined> {
  return (await storedBucket(redis.client, `rate:openclaw:${user}:ratings`))?.levelsQuanta[0];
}
