import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../../src/core/policies.ts';
import { openPlugin } from '../../../src/limiter/plugin/open.ts';
import type { RedisConnection } from '../../../src/limiter/redis/connection.ts';
import { testFolder } from '../../support/cli.ts';

/** Writes its environment beside its file. */
const TELL = `
  require('node:fs').writeFileSync('environment.json', JSON.stringify(process.env));
  console.log('{"ready": true}');
  process.stdin.resume();`;

async function environmentWith(redis: RedisConnection): Promise<Record<string, string>> {
  const folder = testFolder();
  writeFileSync(join(folder, 'tell.yaml'), JSON.stringify({ command: [process.execPath, '-e', TELL] }));
  const limiter = await openPlugin(join(folder, 'tell.yaml'), {
    ...{ policies: parsePolicies('20:5/s'), redis, region: 'us-east', prefix: 'p', nowMs: Date.now },
    host: { env: { GREETING: 'hello' }, atExit: () => {} },
  });
  onTestFinished(() => limiter.close());
  return JSON.parse(readFileSync(join(folder, 'environment.json'), 'utf8'));
}

it('a program is given its service, its Redis and its policy', async () => {
  expect(await environmentWith({ urls: ['redis://10.0.0.1:1', 'redis://[::1]:2'], cluster: true })).toEqual({
    GREETING: 'hello',
    OPENCLAW_RL_REGION: 'us-east',
    OPENCLAW_RL_PREFIX: 'p',
    OPENCLAW_RL_REDIS: 'redis://10.0.0.1:1,redis://[::1]:2',
    OPENCLAW_RL_REDIS_KIND: 'cluster',
    OPENCLAW_RL_CAPACITY: '20',
    OPENCLAW_RL_REFILL_TOKENS: '1',
    OPENCLAW_RL_REFILL_US: '200000',
    OPENCLAW_RL_FILL_MS: '4000',
  });
});

it('with TLS it is given the certificates that are trusted, and the name that a node must prove', async () => {
  const tls = { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n', servername: 'redis.internal' };
  expect(
    await environmentWith({ urls: ['rediss://10.0.0.1:1'], username: 'ada', password: 'secret', tls }),
  ).toMatchObject({
    OPENCLAW_RL_REDIS: 'rediss://10.0.0.1:1',
    OPENCLAW_RL_REDIS_KIND: 'server',
    OPENCLAW_RL_REDIS_CA: tls.ca,
    OPENCLAW_RL_REDIS_SERVERNAME: 'redis.internal',
    REDIS_USERNAME: 'ada',
    REDIS_PASSWORD: 'secret',
  });
});
