import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { chargeOf, type ErrorCode } from '../../src/core/errors.ts';
import type { RunReport } from '../../src/report/report.ts';
import { runProgram } from '../support/cli.ts';
import { emptyConsumer } from '../support/consumer.ts';
import { blocksOf, ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** The oldest of Node 22 that `engines` takes, and one of Node 24; Node 20 runs the tests. npm has them as packages. */
const NODES = { 22: '22.13.0', 24: '24.21.0' };

/** A plug-in for openclaw-rl whose limiter is of the other package. */
const PLUGIN = `
import { createLimiter as open } from 'openclaw-rl-limiter';

export function createLimiter({ policy, redis, prefix }) {
  const limiter = open({ policy, redis, prefix });
  return {
    async take(user, { cost }) {
      const { allowed, remainingTokens } = await limiter.take({ user, endpoint: 'ratings' }, { cost });
      return { allowed, remaining: remainingTokens };
    },
    close: () => limiter.close(),
  };
}
`;

/** A limiter of the one package in metrics of the other, and in the middlewares of both. */
const MIXED = `
import { parsePolicy, type LimiterPlugin } from 'openclaw-rl';
import { rateLimit } from 'openclaw-rl/fetch';
import { withMetrics } from 'openclaw-rl/opentelemetry';
import * as limiter from 'openclaw-rl-limiter';
import * as fetch from 'openclaw-rl-limiter/fetch';
import type { Meter } from '@opentelemetry/api';

declare const meter: Meter;
const made = limiter.createLimiter({ policy: parsePolicy('1:1/s'), redis: { urls: ['redis://127.0.0.1:6379'] } });
const options = { limiter: withMetrics(made, { meter }), subject: () => ({ user: 'ada', endpoint: 'e' }) };
rateLimit(() => new Response(), options);
fetch.rateLimit(() => new Response(), options);
export const plugin: LimiterPlugin = { createLimiter: async () => ({ take: async () => ({ allowed: true }) }) };
export const same: limiter.LimiterPlugin = plugin;
`;

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-both-'));
const both = emptyConsumer(join(folder, 'both'));
const nodes = emptyConsumer(join(folder, 'nodes'));
const nodeOf = (major: keyof typeof NODES) => join(nodes.folder, `node_modules/node-${major}/bin/node`);
const exampleOf = (page: string) =>
  blocksOf(readFileSync(join(ROOT, page), 'utf8')).find(({ language }) => language === 'ts')?.text ?? '';

const installed = join(both.folder, 'node_modules/openclaw-rl/bin/openclaw-rl');

let server: TestServer;

/** Runs the installed program with the plug-in. */
async function runPlugin(node: string, args: readonly string[]) {
  const all = [installed, ...args, '--limiter', './mine.mjs'];
  const { code, stdout, stderr } = await runProgram(node, all, { cwd: both.folder });
  expect([0, 2], stdout + stderr).toContain(code); // a busy machine may leave too little evidence
  return JSON.parse(readFileSync(join(both.folder, 'reports/latest/report.json'), 'utf8')) as RunReport;
}

describe('both packages, installed in one project', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const { program, limiter } = inject('packed');
    server = await startTestServer('redis-server');
    await both.install(program, limiter, `@types/node@${devDependencies['@types/node']}`);
    const platform = `${process.platform}-${process.arch}`;
    await nodes.install(
      ...Object.entries(NODES).map(([major, version]) => `node-${major}@npm:node-${platform}@${version}`),
    );
    writeFileSync(join(both.folder, 'mine.mjs'), PLUGIN);
  }, 900_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);

  it('keep code and charge of an error of the one that is thrown through the other, while a region is cut off', async () => {
    const load = '--rate 100 --connections 60 --users 12 --skew 0 --duration 9s'.split(' ');
    const fault = 'chaos partition --isolate eu-west --at 2s --for 4s'.split(' ');
    const claim = ['--claim', 'total-excess <= 240']; // a failover may give away a bucket of each user
    const { errors, outcomes, unaccounted, verdict } = await runPlugin(process.execPath, [
      ...[...fault, ...load, ...claim],
    ]);
    expect([unaccounted, verdict === 'fail']).toEqual([0, false]);
    const codes = (outcome: 'failed' | 'info') => Object.keys(errors[outcome] ?? {}) as ErrorCode[];
    expect(codes('failed')).toContain('REDIS_CLUSTER_DOWN');
    expect([...codes('failed'), ...codes('info')].filter((code) => code.startsWith('LIMITER_'))).toEqual([]);
    expect(codes('failed').filter((code) => chargeOf(code) !== 'none')).toEqual([]);
    expect(codes('info').filter((code) => chargeOf(code) !== 'possible')).toEqual([]);
    expect(outcomes.info).toBeGreaterThan(0);
  });

  it('are of the same types', async () => {
    for (const moduleResolution of ['nodenext', 'bundler']) {
      const module = moduleResolution === 'bundler' ? 'esnext' : 'nodenext';
      expect(await both.compile({ 'mixed.ts': MIXED }, { module, moduleResolution })).toBe('');
    }
  });

  describe.each([22, 24] as const)('on Node %i', (major) => {
    it('run the examples of their READMEs', async () => {
      const node = nodeOf(major);
      expect((await runProgram(node, ['--version'])).stdout).toBe(`v${NODES[major]}\n`);
      for (const page of ['README.md', 'release/limiter/README.md']) {
        await server.client.flushall();
        expect(await both.runExample(exampleOf(page), { port: server.port, node })).toEqual({
          code: 0,
          stderr: '',
          stdout: '{ allowed: true, remainingTokens: 97, retryAfterUs: 0 }\n',
        });
      }
    });

    it('run a bench with a verdict', async () => {
      const load = '--connections 10 --users 4 --policy 10:1/s --duration 4s --ramp 0'.split(' ');
      const { outcomes, unaccounted } = await runPlugin(nodeOf(major), ['bench', ...load]);
      expect(unaccounted).toBe(0);
      expect(outcomes.allowed).toBeGreaterThan(0);
      expect(outcomes.denied).toBeGreaterThan(0);
    });

    it('draw the same load as on Node 20', async () => {
      const draws = join(ROOT, 'test/fixtures/draws.mjs');
      const [here, there] = [
        await runProgram(process.execPath, [draws]),
        await runProgram(nodeOf(major), [draws]),
      ];
      expect(here.stdout).toMatch(/^[0-9a-f]{64}\n$/);
      expect(there).toEqual(here);
    });

    it.each(['central', 'lease'])('simulate the same history of %s as on Node 20', async (strategy) => {
      const run = ['chaos', 'partition', '--isolate', 'eu-west', '--at', '1s', '--for', '2s', '--simulate'];
      const load = '--rate 200 --duration 5s --connections 30 --users 6 --skew 0'.split(' ');
      const historyOn = async (node: string) => {
        const args = [installed, ...run, ...load, '--strategy', strategy];
        const { code, stderr } = await runProgram(node, args, { cwd: both.folder });
        expect([0, 1, 2], stderr).toContain(code); // its verdict is not of this test
        return readFileSync(join(both.folder, 'reports/latest/history.ndjson'), 'utf8');
      };
      const here = await historyOn(process.execPath);
      expect(here.split('\n').length).toBeGreaterThan(600);
      expect(here).toContain('"fault":"partition"');
      expect((await historyOn(nodeOf(major))) === here).toBe(true);
    });

    it('are loaded by require, without a warning', async () => {
      const print = `for (const name of ['openclaw-rl', 'openclaw-rl-limiter'])
        console.log(typeof require(name).createLimiter, typeof require(name + '/testing').recordTakes);`;
      expect(await both.runModule(print, { node: nodeOf(major), type: 'commonjs' })).toEqual({
        ...{ code: 0, stderr: '', stdout: 'function function\nfunction function\n' },
      });
    });
  });
});
