import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import type { Cost, Limiter } from '../../src/limiter/limiter.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { testFolder } from '../support/cli.ts';
import { postRating, startService } from '../support/rating-service.ts';

const policies = parsePolicies('20:5/s');
const ada = { user: 'ada', endpoint: 'ratings' };

/** A plug-in of this text, in a folder of the test's own. */
function pluginFile(text: string): string {
  const file = join(testFolder(), 'mine.mjs');
  writeFileSync(file, text);
  return file;
}

function open(text: string, of = policies): Promise<Limiter> {
  const redis = {
    urls: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2'],
    cluster: true,
    localAddress: '127.0.0.9',
    commandTimeoutMs: 500,
  };
  return openPlugin(pluginFile(text), {
    policies: of,
    redis,
    region: 'eu-west',
    prefix: 'run-1',
    nowMs: () => 7,
  });
}

/** A plug-in whose take does this. */
const taking = (body: string) => `export const createLimiter = () => ({ take(user, { cost }) { ${body} } });`;

describe('a file that is no plug-in', () => {
  it.each([
    { title: 'does not exist', text: undefined, says: /plugin:mine\.mjs cannot be loaded: .*mine\.mjs/ },
    { title: 'is no JavaScript', text: 'export {', says: /cannot be loaded: / },
    { title: 'throws', text: "throw new Error('no such luck')", says: /cannot be loaded: no such luck$/ },
    { title: 'exports nothing', text: '', says: /must export a function createLimiter; it exports nothing$/ },
    {
      title: 'exports something else',
      text: 'export const makeLimiter = 1',
      says: /must export a function createLimiter; it exports "makeLimiter"$/,
    },
    {
      title: 'exports no function',
      text: "export const createLimiter = 'mine'",
      says: /must export a function createLimiter; found "mine"$/,
    },
    {
      title: 'promises a number',
      text: `${taking('')} export const promise = 5`,
      says: /promise must be a string or a function of the policy; found 5$/,
    },
    {
      title: 'says in a text that it can be simulated',
      text: `${taking('')} export const simulated = 'yes'`,
      says: /simulated must be true or false; found "yes"$/,
    },
  ])('is refused when it $title', async ({ text, says }) => {
    const file = text === undefined ? join(testFolder(), 'mine.mjs') : pluginFile(text);
    await expect(loadPlugin(file)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(says),
      hint: expect.stringContaining(file),
    });
  });

  it.each([
    { title: 'throws', made: "throw new Error('not today')", says: /failed to start: not today$/ },
    {
      title: 'gives nothing',
      made: '',
      says: /must return an object with a function take; found undefined$/,
    },
    {
      title: 'gives no take',
      made: 'const it = { check() {} }; it.it = it; return it',
      says: /must return an object with a function take; found an object with "check", "it"$/,
    },
    {
      title: 'gives a close that is none',
      made: 'return { take() {}, close: true }',
      says: /close of the limiter must be a function; found true$/,
    },
  ])('is refused when its createLimiter $title', async ({ made, says }) => {
    await expect(open(`export async function createLimiter() { ${made} }`)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(says),
    });
  });
});

describe('the promise of a plug-in', () => {
  it.each([
    { title: 'a token bucket by default', more: '', want: 'token-bucket' },
    {
      title: 'its own text',
      more: "export const promise = 'fixed-window:9/1s'",
      want: 'fixed-window:9/1s',
    },
    {
      title: 'a promise made from the policy',
      more: "export const promise = ({ capacityTokens }) => 'sliding-window:' + capacityTokens + '/4s'",
      want: 'sliding-window:20/4s',
    },
  ])('is $title', async ({ more, want }) => {
    const file = pluginFile(`${taking('')} ${more}`);
    expect(readPromise(await loadPlugin(file), file, policies)).toBe(want);
  });

  it.each([
    { title: 'throws', more: "() => { throw new Error('whole seconds only') }", says: /whole seconds only$/ },
    { title: 'gives no text', more: 'async () => 5', says: /must return a string; found a promise$/ },
  ])('is refused when its function $title', async ({ more, says }) => {
    const file = pluginFile(`${taking('')} export const promise = ${more}`);
    const plugin = await loadPlugin(file);
    expect(() => readPromise(plugin, file, policies)).toThrow(says);
  });
});

describe('a plug-in with several policies', () => {
  const several = parsePolicies('requests=10:10/s, tokens=60:20/s');
  const willing = 'export const severalPolicies = true;';

  it.each([
    {
      title: 'does not say that it supports them',
      more: '',
      says: /supports one policy; found 2: .*severalPolicies = true$/,
    },
    {
      title: 'says that it does not',
      more: 'export const severalPolicies = false;',
      says: /supports one policy/,
    },
    {
      title: 'promises one window',
      more: `${willing} export const promise = 'fixed-window:9/1s'`,
      says: /promises fixed-window:9\/1s; several policies are judged as token buckets only$/,
    },
  ])('is refused if it $title', async ({ more, says }) => {
    const file = pluginFile(`${taking('')} ${more}`);
    const plugin = await loadPlugin(file);
    expect(() => readPromise(plugin, file, several)).toThrow(says);
    await expect(open(`${taking('')} ${more}`, several)).rejects.toThrow(says);
  });

  it('is refused if it does not say so by true or false', async () => {
    await expect(
      loadPlugin(pluginFile(`${taking('')} export const severalPolicies = 'yes'`)),
    ).rejects.toThrow(/severalPolicies must be true or false; found "yes"$/);
  });

  it('is given all of them by name, the first as policy, and every cost of a take', async () => {
    const text = `${willing} export const createLimiter = ({ policy, policies }) => ({
      take(user, asked) {
        if (policy !== policies.requests) throw new Error('another policy');
        throw new Error(JSON.stringify([Object.keys(policies), asked]));
      },
    });`;
    const limiter = await open(text, several);
    expect(limiter.policiesOf(ada).map(({ name }) => name)).toEqual(['requests', 'tokens']);
    const shown = (cost: Cost) => limiter.take(ada, { cost }).catch(({ message }) => message);
    const names = '["requests","tokens"]';
    expect(await shown(3)).toContain(`[${names},{"cost":3,"costs":{"requests":3,"tokens":3}}]`);
    expect(await shown({ tokens: 50 })).toContain(`[${names},{"cost":1,"costs":{"requests":1,"tokens":50}}]`);
    await expect(limiter.take(ada, { cost: { token: 5 } })).rejects.toMatchObject({ code: 'INVALID_COST' });
    await expect(limiter.take(ada, { cost: 11 })).rejects.toMatchObject({ code: 'COST_ABOVE_CAPACITY' });
  });
});

describe('the limiter of a plug-in', () => {
  it('is given the policy, the region, the prefix, the clock, and its place in the network', async () => {
    const limiter = await open(`export const createLimiter = (options) => ({
      take: () => {
        const { policy, region, prefix, nowMs, redis, ioredis: { nodes, redisOptions } } = options;
        const { Connector, ...rest } = redisOptions;
        throw new Error(JSON.stringify([policy.capacityTokens, policy.refill, region, prefix, nowMs(), redis.localAddress,
          nodes, rest, new Connector({}).check()]));
      },
    });`);
    const text = await limiter.take(ada).catch(({ message }: Error) => message);
    expect(JSON.parse(String(text).replace('plugin:mine.mjs: ', ''))).toEqual([
      20,
      { tokens: 1, perUs: 200_000 },
      'eu-west',
      'run-1',
      7,
      '127.0.0.9',
      [
        { host: '127.0.0.1', port: 1 },
        { host: '127.0.0.1', port: 2 },
      ],
      { commandTimeout: 500 },
      true,
    ]);
  });

  it('decides, and is named after its file', async () => {
    const limiter = await open(taking('return { allowed: cost < 3, remaining: 2.5, retryAfterMs: 1.0005 }'));
    expect(limiter.strategy).toBe('plugin:mine.mjs');
    expect(await limiter.take(ada, { cost: 2 })).toMatchObject({ allowed: true, remainingTokens: 2 });
    expect(await limiter.take(ada, { cost: 3 })).toMatchObject({ allowed: false, retryAfterUs: 1_001 });
  });

  it.each([
    { answer: 'allowed: true', want: {} },
    {
      answer: 'allowed: true, remaining: 2.5, resetMs: 183.412, retryAfterMs: 50',
      want: { remaining: 2.5, reset: 0.183412, resetForm: 'delta' },
    },
    {
      answer: 'allowed: false, remaining: 1e300, retryAfterMs: 0.1 + 0.2',
      want: { remaining: Number.MAX_SAFE_INTEGER, retryAfterS: 0.0003 },
    },
  ])('states exactly what it answers: $answer', async ({ answer, want }) => {
    const limiter = await open(taking(`return { ${answer} }`));
    expect((await limiter.take(ada)).stated).toEqual(want);
  });

  it.each([
    {
      title: 'has a charge',
      body: "throw Object.assign(new Error('full'), { charge: 'none' })",
      charge: 'none',
    },
    { title: 'has no charge', body: "throw new Error('full')", charge: 'possible' },
    { title: 'rejects with text', body: "return Promise.reject('full')", charge: 'possible' },
    {
      title: 'makes up a charge',
      body: "throw Object.assign(new Error('full'), { charge: 1 })",
      charge: 'possible',
    },
  ])('has failed with charge $charge when it $title', async ({ body, charge }) => {
    const limiter = await open(taking(body));
    const code = charge === 'none' ? 'LIMITER_REFUSED' : 'LIMITER_FAILED';
    await expect(limiter.take(ada)).rejects.toMatchObject({ code, charge, message: 'plugin:mine.mjs: full' });
  });

  it.each([
    { answer: 'undefined', found: /found undefined$/ },
    { answer: 'true', found: /found true$/ },
    { answer: '{ allowed: 1 }', found: /found an object with "allowed"$/ },
    { answer: '{ allowed: true, remaining: -1 }', found: /found an object with "allowed", "remaining"$/ },
    { answer: '{ allowed: false, retryAfterMs: NaN }', found: /"retryAfterMs"$/ },
    { answer: '{ allowed: true, resetMs: "1" }', found: /"resetMs"$/ },
  ])('has failed, possibly charged, when it answers $answer', async ({ answer, found }) => {
    const limiter = await open(taking(`return ${answer}`));
    await expect(limiter.take(ada)).rejects.toMatchObject({
      code: 'LIMITER_FAILED',
      charge: 'possible',
      message: expect.stringMatching(found),
    });
  });

  it('is asked by the Rating service, and answers 201, 429 and 503', async () => {
    const limiter = await open(`
      const answers = [{ allowed: true, remaining: 4 }, { allowed: false, retryAfterMs: 1500 }];
      export const createLimiter = () => ({
        async take(user) {
          if (answers.length === 0) throw Object.assign(new Error('no ' + user), { charge: 'none' });
          return answers.shift();
        },
      });`);
    const url = await startService({ limiter });
    const allowed = await postRating(url);
    expect([allowed.status, allowed.headers.get('ratelimit')]).toEqual([201, '"ratings";r=4']);
    expect(allowed.headers.get('openclaw-stated')).toBe('{"remaining":4}');
    const denied = await postRating(url);
    expect([denied.status, denied.headers.get('retry-after')]).toEqual([429, '2']);
    expect(denied.headers.get('openclaw-stated')).toBe('{"retryAfterS":1.5}');
    const undecided = await postRating(url);
    expect(undecided.status).toBe(503);
    expect(await undecided.json()).toMatchObject({ code: 'LIMITER_REFUSED', charge: 'none' });
  });

  it('keeps nothing that could be looked at, and has no decision ids', async () => {
    const limiter = await open(taking('return { allowed: true }'));
    for (const call of [limiter.peek(ada), limiter.refund(ada), limiter.reset(ada)])
      await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION', charge: 'none' });
    await expect(limiter.take(ada, { decisionId: 'x' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
