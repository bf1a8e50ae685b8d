import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BOARD_SCENARIOS } from '../../src/core/board-terms.ts';
import { parsePolicies } from '../../src/core/policies.ts';
import { parsePromise } from '../../src/core/promise.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { startTestCluster } from '../support/cluster.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../audits');
/** Those that no run can start. */
const NOT_RUN = [
  ...['cluster-memory', 'memcached', 'mongo', 'postgresql', 'typeorm'].map(
    (store) => `express-rate-limit-${store}.mjs`,
  ),
  'rate-limiter-flexible-cluster.mjs',
];
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.mjs') && !NOT_RUN.includes(file));

/** So slow that nothing comes back while a test lasts. */
const policies = parsePolicies('5:5/h');

interface Row {
  readonly promise: string;
  /** It counts in the memory of its process, so two services admit twice as much. */
  readonly isAlone?: boolean;
  /** It charges a request as one, whatever it costs. */
  readonly isOneEach?: boolean;
  /** How many of a row it admits. Default: its limit, 5. */
  readonly admits?: number;
  /** It does not know a cluster. */
  readonly isOnOneServer?: boolean;
  /** Requests of the same millisecond are one to it. */
  readonly pauseMs?: number;
  /** What it states of a denial. Default: what is left, the wait and the reset. */
  readonly states?: readonly string[];
  /** What it states as left of five admissions; null if it states nothing. */
  readonly left?: readonly number[] | null;
  /** It answers all the same where Redis cannot: how often it allows six requests. */
  readonly withoutRedis?: number;
}

const LEFT = ['remaining'];
const LEFT_AND_RESET = ['remaining', 'reset', 'resetForm'];
const WAIT = ['retryAfterS'];
const LEFT_WAIT_RESET = ['remaining', 'retryAfterS', 'reset', 'resetForm'];

/** They compare the count before the request with the limit, by "more than", as their page does. */
const ONE_MORE = { admits: 6, isOneEach: true, states: [], left: null };

const BEFORE_5 = {
  promise: 'fixed-window:5/3600000ms:first',
  isOneEach: true,
  isOnOneServer: true,
  states: WAIT,
};

const ROWS: Readonly<Record<string, Row>> = {
  'async-ratelimiter.mjs': { promise: 'sliding-window:5/3600000ms', isOneEach: true, states: LEFT_AND_RESET },
  'bottleneck.mjs': { promise: 'fixed-window:5/5000ms', states: [], left: null },
  'express-rate-limit-memory.mjs': {
    promise: 'fixed-window:5/3600000ms:first',
    isAlone: true,
    isOneEach: true,
  },
  'express-rate-limit.mjs': { promise: 'fixed-window:5/3600000ms:first', isOneEach: true },
  'fastify-rate-limit.mjs': { promise: 'fixed-window:5/3600000ms:first', isOneEach: true },
  'hono-rate-limiter.mjs': { promise: 'fixed-window:5/3600000ms:first', isOneEach: true },
  'koa-ratelimit.mjs': { promise: 'sliding-window:5/3600000ms', isOneEach: true },
  'limiter.mjs': { promise: 'fixed-window:5/3600000ms', isAlone: true, states: WAIT, left: null },
  'memory-counter.mjs': { promise: 'token-bucket', isAlone: true, states: ['remaining', 'retryAfterS'] },
  'nestjs-throttler-memory.mjs': {
    promise: 'sliding-window:5/3600000ms',
    isAlone: true,
    isOneEach: true,
    states: WAIT,
  },
  'nestjs-throttler-redis-0.1.mjs': { ...BEFORE_5, pauseMs: 2 },
  'nestjs-throttler-redis-0.3.mjs': BEFORE_5,
  'nestjs-throttler-redis.mjs': { promise: 'fixed-window:5/3600000ms:first', isOneEach: true, states: WAIT },
  'rate-limiter-flexible-bursty.mjs': { promise: 'fixed-window:5/3600s', left: [2, 1, 0, 0, 0] },
  'rate-limiter-flexible-insured.mjs': { promise: 'fixed-window:5/3600s:first', withoutRedis: 1 },
  'rate-limiter-flexible.mjs': { promise: 'fixed-window:5/3600s:first' },
  'ratelimiter.mjs': { promise: 'sliding-counter:5/3600000ms', isOneEach: true, states: LEFT_AND_RESET },
  'redis-docs-incr-counter.mjs': { promise: 'fixed-window:5/3600000ms:first', ...ONE_MORE },
  'redis-docs-incr-list.mjs': { promise: 'fixed-window:5/3600000ms:first', ...ONE_MORE },
  'redis-docs-incr-window.mjs': {
    promise: 'fixed-window:5/3600000ms:epoch',
    isOneEach: true,
    states: [],
    left: null,
  },
  'redis-docs-nodejs.mjs': { promise: 'fixed-window:5/3600000ms', isOneEach: true, states: LEFT },
  'redis-gcra.mjs': { promise: 'token-bucket' },
  'spring-cloud-gateway.mjs': { promise: 'token-bucket', states: LEFT, withoutRedis: 6 },
  'upstash-fixed-window.mjs': { promise: 'fixed-window:5/3600000ms:epoch', states: LEFT_AND_RESET },
  'upstash-sliding-window.mjs': { promise: 'sliding-counter:5/3600000ms', states: LEFT_AND_RESET },
  'upstash-token-bucket.mjs': { promise: 'token-bucket', states: LEFT_AND_RESET },
};

const SHARED = Object.entries(ROWS).filter(([, row]) => !row.isAlone);

const systems: { name: string; servers: readonly TestServer[] }[] = [];

beforeAll(async () => {
  for (const server of SERVERS) systems.push({ name: server, servers: [await startTestServer(server)] });
  systems.push({ name: 'a cluster', servers: await startTestCluster('redis-server', 3) });
});
afterAll(() => Promise.all(systems.flatMap(({ servers }) => servers.map((server) => server.stop()))));

async function open(
  file: string,
  servers: readonly TestServer[],
  { prefix = 'test', commandTimeoutMs = 10_000 } = {},
) {
  const redis = { urls: servers.map(({ url }) => url), cluster: servers.length > 1, commandTimeoutMs };
  const options = { policies, redis, region: 'a', prefix: `${prefix}:${file}`, nowMs: Date.now };
  const limiter = await openPlugin(join(FOLDER, file), options);
  onTestFinished(() => limiter.close());
  return limiter;
}

it('has a row here for each plug-in', () => expect(FILES).toEqual(Object.keys(ROWS).sort()));

describe.each(Object.entries(ROWS))('%s', (file, row) => {
  it('promises what can be judged', async () => {
    const path = join(FOLDER, file);
    const promise = readPromise(await loadPlugin(path), path, policies);
    expect(promise).toBe(row.promise);
    expect(() => parsePromise(promise)).not.toThrow();
  });

  it('admits a user to the limit from one service, denies beyond, and states what its library returns', async () => {
    const limiter = await open(file, systems[0]?.servers ?? [], { prefix: 'stated' });
    const { admits = 5, states = LEFT_WAIT_RESET, pauseMs } = row;
    const take = async () => {
      await sleep(pauseMs);
      return limiter.take({ user: 'ada', endpoint: 'x' });
    };
    const whole = (remaining = Number.NaN) => Math.floor(remaining); // a bucket refills between two takes
    const left: number[] = [];
    for (let at = 0; at < admits; at++) left.push(whole((await take()).stated?.remaining));
    if (row.left !== null) expect(left).toEqual(row.left ?? [4, 3, 2, 1, 0]);
    const { allowed, stated } = await take();
    expect([allowed, Object.keys(stated ?? {})]).toEqual([false, states]);
    if (states.includes('remaining')) expect(whole(stated?.remaining)).toBe(0);
  });

  it('charges what a request costs, or refuses it with certainty', async () => {
    const limiter = await open(file, systems[0]?.servers ?? [], { prefix: 'cost' });
    const take = (cost: number) => limiter.take({ user: 'ada', endpoint: 'x' }, { cost });
    if (row.isOneEach) {
      await expect(take(3)).rejects.toMatchObject({ code: 'LIMITER_REFUSED', charge: 'none' });
      return;
    }
    expect(await take(3)).toMatchObject({ allowed: true });
    expect(await take(3)).toMatchObject({ allowed: false });
  });
});

it.each(NOT_RUN)('%s says why it is not run', async (file) => {
  const { about } = await loadPlugin(join(FOLDER, file));
  const reason = about?.skip?.healthy ?? 'no reason';
  expect(about?.skip).toEqual(Object.fromEntries(BOARD_SCENARIOS.map((scenario) => [scenario, reason])));
  await expect(open(file, systems[0]?.servers ?? [])).rejects.toThrow(reason);
});

describe.each(SHARED)('%s', (file, row) => {
  it.each([...SERVERS, ...(row.isOnOneServer ? [] : ['a cluster'])])(
    'on %s admits each user to the limit, from two services, and denies beyond',
    async (name) => {
      const servers = systems.find((system) => system.name === name)?.servers ?? [];
      const services = [await open(file, servers), await open(file, servers)] as const;
      for (const user of ['ada', 'bo', 'cy', 'di']) {
        const answers: boolean[] = [];
        for (const service of [...services, ...services, ...services, ...services]) {
          await sleep(row.pauseMs);
          answers.push((await service.take({ user, endpoint: 'x' })).allowed);
        }
        expect(answers).toEqual(answers.map((_, at) => at < (row.admits ?? 5)));
      }
    },
  );

  it('without Redis throws, or answers as its description says', async () => {
    const server = await startTestServer('redis-server');
    const limiter = await open(file, [server], { commandTimeoutMs: 2_000 });
    await server.stop();
    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, () => limiter.take({ user: 'ada', endpoint: 'x' })),
    );
    const allowed = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.allowed).length;
    expect(allowed).toBe(row.withoutRedis ?? 0);
    if (row.withoutRedis === undefined)
      expect(answers).toEqual(
        answers.map(() => ({ status: 'rejected', reason: expect.objectContaining({ charge: 'possible' }) })),
      );
  });
});
