import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as library from '../../src/index.ts';
import { type Consumer, emptyConsumer } from '../support/consumer.ts';
import { blocksOf, ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const PAGE = 'release/limiter/README.md';

describe('openclaw-rl-limiter, installed alone', { timeout: 120_000 }, () => {
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
});
