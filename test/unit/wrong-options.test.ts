import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type JudgeOptions, judgeHistory } from '../../src/checker/judge-history.ts';
import { OpenclawError } from '../../src/core/errors.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import type { History } from '../../src/history/history.ts';
import { rateLimit as inExpress } from '../../src/http/express.ts';
import { rateLimit as inFastify } from '../../src/http/fastify.ts';
import { rateLimit as inFetch } from '../../src/http/fetch.ts';
import { rateLimit as inHono } from '../../src/http/hono.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { fromIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis } from '../../src/limiter/redis/node-redis/open.ts';
import { localAnswerBound } from '../../src/limiter/wrappers/local-answers.ts';
import { withMetrics } from '../../src/metrics/with-metrics.ts';

/* What no type lets through, and a program in JavaScript may give all the same. */

/** A limiter of another library: it needs no more than these. */
const limiter = {
  policiesOf: () => [{ name: 'default', policy: parsePolicy('2:1/h') }],
  take: async () => ({
    allowed: true,
    remainingTokens: 1,
    retryAfterUs: 0,
    evidence: { strategy: 'mine', node: 'none', source: 'redis' as const },
  }),
};
const subject = () => ({ user: 'ada', endpoint: 'search' });
const whole = { limiter, subject };
const client = new Redis({ lazyConnect: true });

/** An error that says what is wrong, and the way out to the author of a program. */
const refused = (says: string | RegExp) =>
  expect.objectContaining({
    code: 'INVALID_OPTION',
    charge: 'none',
    message: expect.stringMatching(says),
    hint: expect.stringMatching(/^(?!.*--help).*\w/),
  });

async function registered(options: unknown): Promise<void> {
  const app = Fastify();
  onTestFinished(() => app.close());
  app.register(inFastify, options as typeof whole);
  await app.ready();
}

const MIDDLEWARES: readonly [string, (options: unknown) => unknown][] = [
  ['express', async (options) => inExpress(options as typeof whole)],
  ['fastify', registered],
  ['fetch', async (options) => inFetch(() => new Response(), options as typeof whole)],
  ['hono', async (options) => inHono(options as typeof whole)],
];

describe.each(MIDDLEWARES)('rateLimit of %s', (_name, make) => {
  it.each<[string, unknown, RegExp]>([
    [
      'no limiter',
      { subject },
      /limiter of rateLimit must have functions take and policiesOf; found undefined/,
    ],
    ['null for a limiter', { subject, limiter: null }, /option limiter .* found null/],
    ['a client of Redis for a limiter', { subject, limiter: client }, /option limiter .* and \d+ more/],
    [
      'a limiter without policies',
      { subject, limiter: { take: limiter.take } },
      /found an object with "take"/,
    ],
    ['a promise of a limiter', { subject, limiter: Promise.resolve(limiter) }, /option limiter .* a promise/],
    ['no subject', { limiter }, /option subject of rateLimit must be a function; found undefined/],
    [
      'a subject that is no function',
      { limiter, subject: subject() },
      /option subject .* "user", "endpoint"/,
    ],
    [
      'a misspelt option',
      { ...whole, polcyName: 'all' },
      /unknown option "polcyName" .* limiter, subject, policyName/,
    ],
    ['a number for a policy name', { ...whole, policyName: 5 }, /option policyName .* must be text; found 5/],
    [
      'null for a policy name',
      { ...whole, policyName: null },
      /option policyName .* must be text; found null/,
    ],
    ['a policy name that fits no header', { ...whole, policyName: '"' }, /a policy's name is/],
    ['text for evidence', { ...whole, evidence: 'no' }, /option evidence .* true or false; found "no"/],
    ['a value for onDecision', { ...whole, onDecision: true }, /option onDecision .* a function; found true/],
    [
      'a value for onError',
      { ...whole, onError: {} },
      /option onError .* a function; found an object with nothing/,
    ],
  ])('refuses %s', async (_, options, says) => {
    await expect(make(options)).rejects.toThrow(refused(says));
  });

  it('takes options that are undefined', async () => {
    const options = {
      ...whole,
      policyName: undefined,
      evidence: undefined,
      onError: undefined,
      typo: undefined,
    };
    await expect(Promise.resolve(make(options)).then(() => 'made')).resolves.toBe('made');
  });
});

it.each([undefined, null, 5])('rateLimit refuses %s for its options', (options) => {
  const says = refused(/^the options of rateLimit must be an object with limiter, subject/);
  expect(() => inExpress(options as never)).toThrow(says);
  expect(() => inHono(options as never)).toThrow(says);
  expect(() => inFetch(() => new Response(), options as never)).toThrow(says);
});

describe('rateLimit of fetch', () => {
  it.each<[string, unknown, unknown, RegExp]>([
    [
      'no handler',
      whole,
      undefined,
      /handler of rateLimit must be a function; found an object with "limiter", "subject"/,
    ],
    ['an application for a handler', { fetch: () => new Response() }, whole, /found an object with "fetch"/],
  ])('refuses %s', (_, handler, options, says) => {
    expect(() => inFetch(handler as () => Response, options as typeof whole)).toThrow(refused(says));
  });
});

describe('rateLimit of fastify', () => {
  it.each<[string, object, RegExp]>([
    [
      'another hook',
      { hook: 'preValidation' },
      /hook of rateLimit must be onRequest or preHandler; found "preValidation"/,
    ],
    ['a prefix, which would have no effect', { prefix: '/api' }, /prefix has no effect .* "\/api"/],
  ])('refuses %s', async (_, more, says) => {
    await expect(registered({ ...whole, ...more })).rejects.toThrow(refused(says));
  });

  it('takes the options of Fastify itself', () =>
    expect(registered({ ...whole, logLevel: 'warn' })).resolves.toBe(undefined));

  const WRONG: readonly [string, unknown, RegExp][] = [
    [
      'a misspelt option',
      { costs: 4 },
      /unknown option "costs" of config.quota; .* limiter, endpoint, cost, policyName/,
    ],
    ['true', true, /^config.quota must be an object .* found true/],
    ['null', null, /^config.quota must be an object .* found null/],
    ['no tokens', { cost: 0 }, /option cost of config.quota must be a whole number .* found 0/],
    ['no tokens of a policy', { cost: { burst: 1.5 } }, /option cost of config.quota/],
    ['a limiter that is none', { limiter: {} }, /option limiter of config.quota/],
    ['a number for an endpoint', { endpoint: 5 }, /option endpoint of config.quota must be text/],
    ['a policy name that fits no header', { policyName: '"' }, /a policy's name is/],
  ];

  it.each(WRONG)('refuses %s for config.quota of a route that is added later', async (_, quota, says) => {
    const app = Fastify();
    onTestFinished(() => app.close());
    await app.register(inFastify, whole);
    const add = (config: object) => app.get('/', { config }, async () => 'items');
    expect(() => add({ quota })).toThrow(refused(says));
    expect(() => add({ quota: false })).not.toThrow();
  });

  it.each(WRONG)(
    'serves no request with %s for config.quota of a route that was added before',
    async (_, quota, says) => {
      const errors: unknown[] = [];
      let served = 0;
      const app = Fastify();
      onTestFinished(() => app.close());
      app.register(inFastify, { ...whole, onError: (error) => errors.push(error) });
      app.get('/', { config: { quota } as object }, async () => (served += 1));
      const reply = await app.inject('/');
      expect([reply.statusCode, reply.json().code, reply.json().charge, served]).toEqual([
        503,
        'INVALID_OPTION',
        'none',
        0,
      ]);
      expect(errors).toEqual([refused(says)]);
    },
  );
});

describe('withMetrics', () => {
  const meter = { createHistogram: () => ({ record() {} }) };
  it.each<[string, unknown, unknown, RegExp]>([
    ['no limiter', undefined, { meter }, /limiter of withMetrics must have a function take; found undefined/],
    [
      'no options',
      limiter,
      undefined,
      /^the options of withMetrics must be an object with meter, attributes/,
    ],
    ['no meter', limiter, {}, /option meter of withMetrics must be a Meter; found undefined/],
    ['a misspelt option', limiter, { meter, attribute: {} }, /unknown option "attribute" of withMetrics/],
    [
      'text for attributes',
      limiter,
      { meter, attributes: 'search' },
      /option attributes .* an object; found "search"/,
    ],
  ])('refuses %s', (_, wrapped, options, says) => {
    expect(() => withMetrics(wrapped as never, options as never)).toThrow(refused(says));
  });
});

describe('the clients of a program', () => {
  it.each<[string, unknown, RegExp]>([
    ['a misspelt option', { timeoutMs: 5 }, /unknown option "timeoutMs" of the second argument of from/],
    [
      'a number for the options',
      5_000,
      /^the second argument of from.* must be an object with commandTimeoutMs; found 5000/,
    ],
    ['null for the options', null, /must be an object with commandTimeoutMs; found null/],
  ])('are refused with %s', (_, timeout, says) => {
    expect(() => fromIoredis(client, timeout as object)).toThrow(refused(says));
    expect(() => fromNodeRedis(createClient(), timeout as object)).toThrow(refused(says));
  });
});

describe('judgeHistory', () => {
  it.each<[string, unknown, RegExp]>([
    ['a misspelt option', { promises: 'token-bucket' }, /unknown option "promises" of judgeHistory/],
    ['a number for a promise', { promise: 5 }, /option promise of judgeHistory must be text; found 5/],
    ['no number', { falseDenials: Number.NaN }, /option falseDenials .* at least 0; found NaN/],
    ['text for a number', { contested: '0' }, /option contested .* at least 0; found "0"/],
    ['percents', { info: 5 }, /option info .* from 0 to 1; found 5/],
  ])('refuses %s', (_, options, says) => {
    expect(() => judgeHistory({} as History, options as JudgeOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(says) }),
    );
  });
});

it.each([{ forMs: 0 }, { forMs: '500' }, { formMs: 500 }, null])('localAnswerBound refuses %j', (options) => {
  expect(() => localAnswerBound(options as object)).toThrow(OpenclawError);
});

describe('createLimiter refuses', () => {
  const redis = { urls: ['redis://127.0.0.1:1'] };
  it.each<[string, object, RegExp]>([
    [
      'text for shadow, which would allow everything',
      { shadow: 'no' },
      /option shadow .* true or false; found "no"/,
    ],
    ['text for batch', { batch: 'no' }, /option batch .* true or false/],
    ['a time for a clock', { nowMs: 5 }, /option nowMs .* a function; found 5/],
    ['text for cluster', { redis: { ...redis, cluster: 'no' } }, /option cluster of redis .* true or false/],
    [
      'another name for addresses',
      { redis: { url: 'redis://127.0.0.1:1' } },
      /^unknown option "url" of redis; known options: urls, /,
    ],
    ['no addresses', { redis: {} }, /^option redis must be Redis addresses or a Redis client/],
    [
      'a number for a password',
      { redis: { ...redis, password: 5 } },
      /option password of redis must be text; found/,
    ],
  ])('%s', (_, more, says) => {
    const options = { policy: '2:1/h', redis, ...more };
    expect(() => createLimiter(options as LimiterOptions)).toThrow(refused(says));
  });
});
