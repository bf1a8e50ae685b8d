import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as library from '../../src/index.ts';
import { type Consumer, emptyConsumer } from '../support/consumer.ts';
import { linksOf } from '../support/links.ts';
import { blocksOf, ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const PAGE = 'release/limiter/README.md';

const { dependencies, devDependencies, version } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const pinned = (name: string) => `${name}@${{ ...dependencies, ...devDependencies }[name]}`;

/** A later light-my-request needs Node 22. */
const FASTIFY = ['fastify@5.6.0', 'light-my-request@6.6.0'];

const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

/** Every entry point that needs no package but its own; the types of Fastify, OpenTelemetry and Jest are theirs. */
const ALONE = `
import { createLimiter, type Limiter, OpenclawError } from 'openclaw-rl-limiter';
import { rateLimit as express } from 'openclaw-rl-limiter/express';
import { rateLimit as fetch } from 'openclaw-rl-limiter/fetch';
import { rateLimit as hono } from 'openclaw-rl-limiter/hono';
import { recordTakes } from 'openclaw-rl-limiter/testing';

const limiter: Limiter = createLimiter({ policy: '1:1/s', redis: { urls: ['redis://127.0.0.1:6379'] } });
export const all = [express, hono, recordTakes, OpenclawError];
export const handler = fetch(() => new Response(), { limiter, subject: () => ({ user: 'a', endpoint: 'e' }) });
`;

/** Limits a route of Fastify, and counts. */
const WITH_PEERS = `
import { metrics } from '@opentelemetry/api';
import Fastify from 'fastify';
import { createLimiter } from 'openclaw-rl-limiter';
import { rateLimit } from 'openclaw-rl-limiter/fastify';
import { withMetrics } from 'openclaw-rl-limiter/opentelemetry';

const limiter = createLimiter({ policy: '2:1/h', redis: { urls: ['redis://127.0.0.1:6379'] } });
const measured = withMetrics(limiter, { meter: metrics.getMeter('mine') });
const app = Fastify();
await app.register(rateLimit, { limiter: measured, subject: ({ ip }) => ({ user: ip, endpoint: 'e' }) });
app.get('/', { config: { quota: { cost: 2 } } }, async () => 'items');
const statuses = [];
for (let i = 0; i < 2; i++) statuses.push((await app.inject('/')).statusCode);
console.log(...statuses);
await app.close();
await limiter.close();
`;

/** Imports every file of the package but those with side effects; prints what this changed of the process. */
const IMPORT_ALL = `
import { readdirSync } from 'node:fs';
const folder = new URL('./node_modules/openclaw-rl-limiter/', 'file://' + process.cwd() + '/');
const { default: { sideEffects } } = await import(new URL('package.json', folder), { with: { type: 'json' } });
const state = () => JSON.stringify([
  Reflect.ownKeys(globalThis).map(String), Object.keys(process.env).length, process.getActiveResourcesInfo(),
  Error.stackTraceLimit, process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
]);
await import('ioredis');
const before = state();
const files = readdirSync(new URL('dist', folder), { recursive: true }).map((file) => './dist/' + file);
const free = files.filter((file) => file.endsWith('.js') && !sideEffects.includes(file));
for (const file of free) {
  await import(new URL(file, folder));
  if (state() !== before) console.log(file, state());
}
console.log(free.length > 200, files.filter((file) => sideEffects.includes(file)).sort().join(' '));
`;

describe('openclaw-rl-limiter, installed alone', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-limiter-'));
  let server: TestServer;
  let alone: Consumer;

  beforeAll(async () => {
    server = await startTestServer('redis-server');
    alone = emptyConsumer(join(folder, 'alone'));
    await alone.install(inject('packed').limiter);
  }, 300_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is few packages and few bytes, of which ioredis is most', () => {
    const { packages, bytes } = alone.installed();
    expect(packages).toEqual(expect.arrayContaining(['ioredis', 'openclaw-rl-limiter']));
    expect(packages.length).toBeLessThanOrEqual(10);
    expect(bytes).toBeLessThanOrEqual(5_000_000);
  });

  it('exports what the sources do', async () => {
    const print = "console.log(JSON.stringify(Object.keys(await import('openclaw-rl-limiter')).sort()))";
    const { stdout, stderr } = await alone.runModule(print);
    expect(JSON.parse(stdout || stderr)).toEqual(Object.keys(library).sort());
  });

  it('has a README whose example runs as it is printed', async () => {
    const page = readFileSync(join(alone.folder, 'node_modules/openclaw-rl-limiter/README.md'), 'utf8');
    const blocks = blocksOf(page);
    expect(blocks).toEqual(blocksOf(readFileSync(join(ROOT, PAGE), 'utf8')));
    expect(blocks.map(({ language }) => language)).toEqual(['sh', 'ts']);
    expect(blocks[0]?.text).toBe('npm install openclaw-rl-limiter\n');
    expect(await alone.runExample(blocks[1]?.text ?? '', server)).toEqual({
      code: 0,
      stderr: '',
      stdout: '{ allowed: true, remainingTokens: 97, retryAfterUs: 0 }\n',
    });
  });

  describe("and Node's types", () => {
    beforeAll(() => alone.install(pinned('@types/node')), 300_000);

    it.each(RESOLUTIONS)('has types: $moduleResolution', async (options) => {
      expect(await alone.compile({ 'alone.ts': ALONE }, options)).toBe('');
      const wrong = "import { createLimiter } from 'openclaw-rl-limiter';\ncreateLimiter({ policy: 5 });\n";
      expect(await alone.compile({ 'wrong.ts': wrong }, options)).toMatch(/^wrong\.ts\(2,/);
    });
  });

  it('has pages without dead links', () => {
    const installed = join(alone.folder, 'node_modules/openclaw-rl-limiter');
    const pages = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.md'),
    );
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/library/http.md']));
    const links = pages.flatMap((page) => linksOf(page, readFileSync(join(installed, page), 'utf8')));
    expect(links.filter(({ file }) => !existsSync(join(installed, file)))).toEqual([]);
  });

  it('is loaded by require, with the same names and without a warning', async () => {
    const print = `const names = Object.keys(require('openclaw-rl-limiter')).sort();
      console.log(JSON.stringify([require('openclaw-rl-limiter/package.json').version, ...names]))`;
    const { stdout, stderr } = await alone.runModule(print, { type: 'commonjs' });
    expect([JSON.parse(stdout), stderr]).toEqual([[version, ...Object.keys(library).sort()], '']);
  });

  it('has side effects in the files that it names, and in no other', async () => {
    expect(await alone.runModule(IMPORT_ALL)).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: 'true ./dist/testing/jest.cjs ./dist/testing/jest.js ./dist/testing/vitest.js\n',
    });
  });

  it('leaves the client of Redis out of a bundle that does not use it', async () => {
    const bundleOf = async (contents: string) => {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: alone.folder },
        ...{ bundle: true, write: false, platform: 'node', format: 'esm', external: ['ioredis'] },
      });
      return outputFiles[0]?.text ?? '';
    };
    const parse = await bundleOf(
      "import { parsePolicy } from 'openclaw-rl-limiter'; console.log(parsePolicy('1:1/s'));",
    );
    expect([parse.includes('"ioredis"'), parse.length < 50_000]).toEqual([false, true]);
    const create = await bundleOf(
      "import { createLimiter } from 'openclaw-rl-limiter'; console.log(createLimiter);",
    );
    expect(create).toContain('"ioredis"');
  });

  it('limits requests of a Fastify that is there, and counts', async () => {
    await alone.install(...FASTIFY, pinned('@opentelemetry/api'));
    const types = { module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: true };
    expect(await alone.compile({ 'peers.ts': WITH_PEERS.replace('= [];', ': number[] = [];') }, types)).toBe(
      '',
    );
    await server.client.flushall();
    expect(await alone.runExample(WITH_PEERS, server)).toEqual({ code: 0, stderr: '', stdout: '200 429\n' });
  });
});
