import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as library from '../../src/index.ts';
import { installLine } from '../../src/regions/local/server-package.ts';
import { runProgram } from '../support/cli.ts';
import { emptyConsumer } from '../support/consumer.ts';
import { blocksOn, PAGES } from '../support/doc-blocks.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Not the one that we are built with. */
const ANOTHER_FASTIFY = ['fastify@5.6.0', 'light-my-request@6.6.0']; // a later one needs Node 22

const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-program-'));
const consumer = emptyConsumer(join(folder, 'consumer'));
const withFastify = emptyConsumer(join(folder, 'consumer-with-another-fastify'));
let server: TestServer;

/** The examples of README and docs that need no package but this one, and clients of Redis. */
const ts = blocksOn(PAGES, 'ts').filter(({ text }) =>
  [...text.matchAll(/ from '([^']*)';$/gm)].every(([, from = '']) =>
    ['openclaw-rl', 'ioredis', 'redis'].includes(from),
  ),
);
const exampleWith = (text: string) => ts.find((block) => block.text.includes(text))?.text ?? '';

const installed = () => join(consumer.folder, 'node_modules/.bin/openclaw-rl');

const BEHIND_SENTINELS = `
import { Redis } from 'ioredis';
import { fromIoredis, fromNodeRedis } from 'openclaw-rl';
import { createSentinel } from 'redis';

fromIoredis(new Redis({ sentinels: [{ host: 's', port: 26379 }], name: 'm' }));
fromNodeRedis(createSentinel({ sentinelRootNodes: [{ host: 's', port: 26379 }], name: 'm' }));
`;

describe('openclaw-rl, installed', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const tarball = inject('packed').program;
    const types = `@types/node@${devDependencies['@types/node']}`;
    await consumer.install(tarball, types);
    await withFastify.install(tarball, types, ...ANOTHER_FASTIFY);
    server = await startTestServer('redis-server');
  }, 900_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);

  it('exports what the sources do', async () => {
    const program = "console.log(JSON.stringify(Object.keys(await import('openclaw-rl')).sort()))";
    const { stdout } = await consumer.runModule(program);
    expect(JSON.parse(stdout)).toEqual(Object.keys(library).sort());
  });

  it.each(RESOLUTIONS)('has types without a package redis: $moduleResolution', async (options) => {
    const files = Object.fromEntries(
      ts.filter(({ text }) => !text.includes("from 'redis'")).map(({ text }, i) => [`example-${i}.ts`, text]),
    );
    expect(Object.keys(files).length).toBeGreaterThan(10);
    const wrong = `import { createLimiter } from 'openclaw-rl';\ncreateLimiter({ policy: '1:1/s' });\n`;
    expect(await consumer.compile(files, options)).toBe('');
    expect(await consumer.compile({ 'wrong.ts': wrong }, options)).toMatch(/'redis' is missing/);
  });

  it.each(RESOLUTIONS)(
    'types routes of the Fastify that is there already: $moduleResolution',
    async (options) => {
      const routes = (quota: string) => `import Fastify from 'fastify';
import { createLimiter } from 'openclaw-rl';
import { rateLimit } from 'openclaw-rl/fastify';
const limiter = createLimiter({ policy: '2:1/h', redis: { urls: ['redis://127.0.0.1:6379'] } });
const app = Fastify();
await app.register(rateLimit, { limiter, subject: (request) => ({ user: request.ip, endpoint: 'e' }) });
app.get('/', { config: { quota: ${quota} } }, async () => 'items');
const ask = async () => (await app.inject('/')).headers['ratelimit'];
console.log(await ask());
await limiter.close();
`;
      expect(existsSync(join(withFastify.folder, 'node_modules/openclaw-rl/node_modules/fastify'))).toBe(
        false,
      );
      const lenient = { ...options, skipLibCheck: true };
      expect(await withFastify.compile({ 'routes.ts': routes('{ cost: 2 }') }, lenient)).toBe('');
      expect(await withFastify.compile({ 'wrong.ts': routes('{ cost: true }') }, lenient)).toMatch(
        /^wrong\.ts\(7,\d+\): error .*'cost'/,
      );
      await server.client.flushall();
      expect(await withFastify.runExample(routes('{ cost: 2 }'), server)).toMatchObject({
        code: 0,
        stdout: '"default";r=0\n',
      });
    },
  );

  it('brings the verifier of certificates with it', async () => {
    const history = join(ROOT, 'test/fixtures/central.ndjson.gz');
    const certificate = join(folder, 'certificate.ndjson.gz');
    const run = (...args: string[]) => consumer.runInstalled('openclaw-rl', args);
    const checked = await run('check', history, '--certificate', certificate);
    expect(checked.code, checked.stderr).toBe(0);
    const { code, stdout, stderr } = await run('verify', '--certificate', certificate, history);
    expect([code, stderr]).toEqual([0, `verifying ${certificate}\n`]);
    expect(stdout).toMatch(/ok 3 buckets proved/);
  });

  it('names the command that installs a server, where npx is all that there is', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const folders = (process.env.PATH ?? '').split(delimiter);
    for (const name of ['node', 'npx', 'sh'])
      symlinkSync(folders.map((of) => join(of, name)).find(existsSync) ?? name, join(bin, name));
    const { code, stderr } = await runProgram('npx', ['openclaw-rl', 'bench'], {
      cwd: consumer.folder,
      env: { PATH: bin },
    });
    expect(code, stderr).toBe(69);
    const line = installLine();
    expect(line).toMatch(/redis-server|valkey/);
    expect(stderr.split('\n').slice(-3, -1)).toEqual([
      'error: no usable Redis or Valkey server: redis-server was not found; valkey-server was not found',
      `  install one: ${line} [SERVER_MISSING]`,
    ]);
  });

  it('simulates where there is no server', async () => {
    const fault = ['--isolate', 'us-east', '--duration', '5s', '--at', '1s', '--for', '2s'];
    const load = ['--rate', '100', '--connections', '10', '--reports', join(folder, 'simulated')];
    const args = ['chaos', 'partition', '--simulate', '--seed', '1', '--json', ...fault, ...load];
    const { stdout, stderr } = await runProgram(process.execPath, [installed(), ...args], {
      cwd: consumer.folder,
      env: { PATH: '' },
    });
    expect(JSON.parse(stdout), stderr).toMatchObject({ system: expect.stringContaining('in virtual time') });
  });

  it('brings the Fastify of its sample service with it', async () => {
    const serving = spawn(installed(), ['serve', 'rating', '--redis', server.url, '--port', '0']);
    let output = '';
    for (const stream of [serving.stdout, serving.stderr]) stream.on('data', (text) => (output += text));
    try {
      await expect.poll(() => output, { timeout: 30_000 }).toMatch(/^listening on http/);
    } finally {
      const ended = once(serving, 'exit');
      serving.kill();
      await ended;
    }
  });

  describe('where the client redis is installed later', () => {
    beforeAll(async () => {
      await consumer.install(`redis@${devDependencies.redis}`);
    }, 300_000);

    it.each(RESOLUTIONS)('takes the types of both clients: $moduleResolution', async (options) => {
      const clients = { 'clients.ts': exampleWith('fromNodeRedis'), 'sentinel.ts': BEHIND_SENTINELS };
      // The types of redis name packages that it does not install.
      expect(await consumer.compile(clients, { ...options, skipLibCheck: true })).toBe('');
    });

    it('runs examples', async () => {
      await server.client.flushall();
      expect(await consumer.runExample(exampleWith('createLimiter'), server)).toEqual({
        code: 0,
        stderr: '',
        stdout: '{ allowed: true, remainingTokens: 97, retryAfterUs: 0 }\n',
      });
      await server.client.flushall();
      expect(await consumer.runExample(exampleWith('fromNodeRedis'), server)).toEqual({
        code: 0,
        stderr: '',
        stdout: '1\n0\n',
      });
    });
  });
});
