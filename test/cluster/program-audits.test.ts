import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { parsePromise } from '../../src/core/promise.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { startTestCluster } from '../support/cluster.ts';
import { hasProgram } from '../support/programs.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../audits');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

/** So slow that nothing comes back, and that hardly a window ends, while a test lasts. */
const policies = parsePolicies('5:1/d');

const PROMISES: Readonly<Record<string, string>> = {
  'django-ratelimit.yaml': 'fixed-window:5/432000000ms',
  'flask-limiter.yaml': 'fixed-window:5/432000000ms:first',
  'python-limits-fixed-window.yaml': 'fixed-window:5/432000000ms:first',
  'python-limits-moving-window.yaml': 'sliding-window:5/432000000ms',
  'python-limits-sliding-window-counter.yaml': 'sliding-counter:5/432000000ms',
};

/** Those whose client knows no Redis Cluster. */
const ONE_SERVER = ['django-ratelimit.yaml'];

const areHere = hasProgram(
  '/usr/bin/python3',
  '-c',
  'import limits, flask_limiter, django_ratelimit, redis.cluster',
);

const systems: Record<string, readonly TestServer[]> = {};

async function open(file: string, servers: readonly TestServer[]) {
  const redis = {
    urls: servers.map(({ url }) => url),
    cluster: servers.length > 1,
    commandTimeoutMs: 10_000,
  };
  const options = { policies, redis, region: 'a', prefix: `test:${file}`, nowMs: Date.now };
  const env = { PATH: process.env.PATH ?? '' };
  const limiter = await openPlugin(join(FOLDER, file), { ...options, host: { env, atExit: () => {} } });
  onTestFinished(() => limiter.close());
  return limiter;
}

it('has a promise here for each program', () => expect(FILES).toEqual(Object.keys(PROMISES).sort()));

describe.runIf(areHere)('a limiter in another language', () => {
  beforeAll(async () => {
    systems['redis-server'] = [await startTestServer('redis-server')];
    systems['a cluster'] = await startTestCluster('redis-server', 3);
  });
  afterAll(() => Promise.all(Object.values(systems).flatMap((servers) => servers.map(({ stop }) => stop()))));

  it.each(FILES)('%s promises what can be judged', async (file) => {
    const path = join(FOLDER, file);
    const promise = readPromise(await loadPlugin(path), path, policies);
    expect(promise).toBe(PROMISES[file]);
    expect(() => parsePromise(promise)).not.toThrow();
  });

  it.each(
    FILES.flatMap((file) =>
      ['redis-server', ...(ONE_SERVER.includes(file) ? [] : ['a cluster'])].map(
        (name) => [file, name] as const,
      ),
    ),
  )('%s on %s admits each user to the limit, from two services, and denies beyond', async (file, name) => {
    const servers = systems[name] ?? [];
    const services = [await open(file, servers), await open(file, servers)] as const;
    for (const user of ['ada', 'bo', 'cy', 'di']) {
      const answers: boolean[] = [];
      for (const service of [...services, ...services, ...services, ...services])
        answers.push((await service.take({ user, endpoint: 'x' })).allowed);
      expect(answers).toEqual([true, true, true, true, true, false, false, false]);
    }
  });
});
