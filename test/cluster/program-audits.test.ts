import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import { parsePromise } from '../../src/core/promise.ts';
import { loadPlugin } from '../../src/limiter/plugin/load.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { readPromise } from '../../src/limiter/plugin/plugin.ts';
import { testFolder } from '../support/cli.ts';
import { startTestCluster } from '../support/cluster.ts';
import { audited, buildGo } from '../support/program-audits.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const FOLDER = join(import.meta.dirname, '../../audits');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

/** So slow that hardly anything comes back, and that hardly a window ends, while a test lasts. */
const policies = parsePolicies('5:1/min');

const systems: Record<string, readonly TestServer[]> = {};

async function open(file: string, servers: readonly TestServer[]) {
  const redis = {
    urls: servers.map(({ url }) => url),
    cluster: servers.length > 1,
    commandTimeoutMs: 10_000,
  };
  const options = { policies, redis, region: 'us-east', prefix: `test:${file}`, nowMs: Date.now };
  const env = { PATH: process.env.PATH ?? '' };
  const limiter = await openPlugin(join(FOLDER, file), { ...options, host: { env, atExit: () => {} } });
  onTestFinished(() => limiter.close());
  return limiter;
}

it('has an expectation here for each program', () =>
  expect(FILES).toEqual(audited.map(({ file }) => file).sort()));

describe('a limiter in another language', () => {
  beforeAll(async () => {
    systems['redis-server'] = [await startTestServer('redis-server')];
    systems['a cluster'] = await startTestCluster('redis-server', 3);
    await buildGo();
  }, 300_000);
  afterAll(() => Promise.all(Object.values(systems).flatMap((servers) => servers.map(({ stop }) => stop()))));

  it.each(audited)('$file promises what can be judged', async ({ file, promise }) => {
    const path = join(FOLDER, file);
    const found = readPromise(await loadPlugin(path), path, policies);
    expect(found).toBe(promise);
    expect(() => parsePromise(found ?? '')).not.toThrow();
  });

  describe.each(audited.filter(({ isHere }) => isHere))('$file', (audit) => {
    it('prints its version', async () => {
      const [program = '', ...args] = (await loadPlugin(join(FOLDER, audit.file))).about?.version ?? [];
      expect(execFileSync(program, args, { cwd: FOLDER, encoding: 'utf8' })).toMatch(/^\S.* \d[^\n]*\n$/);
    });

    const names = ['redis-server', ...(audit.onCluster ? ['a cluster'] : [])];
    it.each(names)('on %s admits each user to the limit, and denies beyond', async (name) => {
      const servers = systems[name] ?? [];
      const first = await open(audit.file, servers);
      const services = audit.sharedBy === 'services' ? [first, await open(audit.file, servers)] : [first];
      for (const user of ['ada', 'bo', 'cy', 'di']) {
        const answers: boolean[] = [];
        for (let at = 0; at < 8; at++)
          answers.push(
            (await services[at % services.length]?.take({ user, endpoint: 'x' }))?.allowed ?? false,
          );
        expect(answers).toEqual([true, true, true, true, true, false, false, false]);
      }
    });
  });

  describe.each(audited.filter(({ isHere, sharedBy }) => isHere && sharedBy === 'process'))(
    '$file',
    ({ file }) => {
      it('is not shared by two services', async () => {
        const servers = systems['redis-server'] ?? [];
        const services = [await open(file, servers), await open(file, servers)];
        const answers: boolean[] = [];
        for (let at = 0; at < 12; at++)
          answers.push((await services[at % 2]?.take({ user: 'ada', endpoint: 'x' }))?.allowed ?? false);
        expect(answers.filter(Boolean)).toHaveLength(10);
      });
    },
  );
});

it.runIf(audited.some(({ file, isHere }) => file === 'nginx-limit-req.yaml' && isHere))(
  'leaves no folder of its server, however it ends: nginx',
  async () => {
    const folder = testFolder();
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const env = { TMPDIR: folder, OPENCLAW_RL_CAPACITY: '5', OPENCLAW_RL_FILL_MS: '5000' };
      const more = { OPENCLAW_RL_PREFIX: 'p', OPENCLAW_RL_REDIS: '', OPENCLAW_RL_REDIS_KIND: 'single' };
      const child = spawn('/usr/bin/python3', [join(FOLDER, 'programs/nginx.py')], {
        env: { ...process.env, ...env, ...more },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child.stdout, 'data'); // it is ready
      expect(readdirSync(folder)).toHaveLength(1);
      child.kill(signal);
      await once(child, 'exit');
      await expect.poll(() => readdirSync(folder), { timeout: 10_000 }).toEqual([]);
    }
  },
);
