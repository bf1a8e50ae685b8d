import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { parsePromise } from '../../src/core/promise.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { startTestCluster } from '../support/cluster.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../audits');
/** It counts in the memory of its process, so two services admit twice as much: test/runs/instances.test.ts. */
const NOT_SHARED = 'memory-counter.mjs';
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.mjs') && file !== NOT_SHARED);

/** So slow that nothing comes back while a test lasts. */
const policies = parsePolicies('5:5/h');

const PROMISES: Readonly<Record<string, string>> = {
  'express-rate-limit.mjs': 'fixed-window:5/3600000ms:first',
  'rate-limiter-flexible.mjs': 'fixed-window:5/3600s:first',
  'rate-limiter-flexible-insured.mjs': 'fixed-window:5/3600s:first',
  'redis-docs-nodejs.mjs': 'token-bucket',
  'redis-gcra.mjs': 'token-bucket',
  'spring-cloud-gateway.mjs': 'token-bucket',
};

/** Those that charge a request as one, whatever it costs. */
const ONE_EACH = ['express-rate-limit.mjs', 'redis-docs-nodejs.mjs'];

/** Those that say how much is left and not how long to wait. */
const STATE_NO_WAIT = ['redis-docs-nodejs.mjs', 'spring-cloud-gateway.mjs'];
const WAIT = ['retryAfterS', 'reset', 'resetForm'];

/** Those that answer all the same where Redis cannot: how often they allow six requests. */
const WITHOUT_REDIS: Readonly<Record<string, number>> = {
  'rate-limiter-flexible-insured.mjs': 1,
  'spring-cloud-gateway.mjs': 6,
};

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

it('has a promise here for each plug-in', () => expect(FILES).toEqual(Object.keys(PROMISES).sort()));

describe.each(FILES)('%s', (file) => {
  it('promises what can be judged', async () => {
    const path = join(FOLDER, file);
    const promise = readPromise(await loadPlugin(path), path, policies);
    expect(promise).toBe(PROMISES[file]);
    expect(() => parsePromise(promise)).not.toThrow();
  });

  it.each([...SERVERS, 'a cluster'])(
    'on %s admits each user to the limit, from two services, and denies beyond',
    async (name) => {
      const servers = systems.find((system) => system.name === name)?.servers ?? [];
      const services = [await open(file, servers), await open(file, servers)] as const;
      for (const user of ['ada', 'bo', 'cy', 'di']) {
        const answers: boolean[] = [];
        for (const service of [...services, ...services, ...services, ...services])
          answers.push((await service.take({ user, endpoint: 'x' })).allowed);
        expect(answers).toEqual([true, true, true, true, true, false, false, false]);
      }
    },
  );

  it('states what its library returns: what is left, and the wait of a denial where there is one', async () => {
    const limiter = await open(file, systems[0]?.servers ?? [], { prefix: 'stated' });
    const take = () => limiter.take({ user: 'ada', endpoint: 'x' });
    expect((await take()).stated).toMatchObject({ remaining: 4 });
    for (let at = 0; at < 4; at++) await take();
    const { allowed, stated } = await take();
    expect([allowed, stated?.remaining]).toEqual([false, 0]);
    expect(Object.keys(stated ?? {})).toEqual(['remaining', ...(STATE_NO_WAIT.includes(file) ? [] : WAIT)]);
  });

  it('charges what a request costs, or refuses it with certainty', async () => {
    const limiter = await open(file, systems[0]?.servers ?? [], { prefix: 'cost' });
    const take = (cost: number) => limiter.take({ user: 'ada', endpoint: 'x' }, { cost });
    if (ONE_EACH.includes(file)) {
      await expect(take(3)).rejects.toMatchObject({ code: 'LIMITER_REFUSED', charge: 'none' });
      return;
    }
    expect(await take(3)).toMatchObject({ allowed: true, remainingTokens: 2 });
    expect(await take(3)).toMatchObject({ allowed: false });
  });

  it('without Redis throws, or answers as its description says', async () => {
    const server = await startTestServer('redis-server');
    const limiter = await open(file, [server], { commandTimeoutMs: 2_000 });
    await server.stop();
    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, () => limiter.take({ user: 'ada', endpoint: 'x' })),
    );
    const allowed = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.allowed).length;
    expect(allowed).toBe(WITHOUT_REDIS[file] ?? 0);
    if (!(file in WITHOUT_REDIS))
      expect(answers).toEqual(
        answers.map(() => ({ status: 'rejected', reason: expect.objectContaining({ charge: 'possible' }) })),
      );
  });
});
