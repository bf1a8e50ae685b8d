import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/core/policies.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import { testFolder } from '../support/cli.ts';

import { blocksOn } from '../support/doc-blocks.ts';
import { freePort } from '../support/free-port.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const EXAMPLE =
  blocksOn('docs/plugins.md', 'js').find(({ text }) => text.startsWith('// scripted.mjs'))?.text ?? '';

/** A plug-in that runs this Lua and returns the first value as what is left. */
const running = (lua: string) => `
  export const createLimiter = ({ scripts, prefix }) => ({
    async take(user, { cost }) {
      const { values } = await scripts.run(\`${lua}\`, [prefix + ':' + user], [cost, 'x']);
      return { allowed: values.length > 1, remaining: values[0] };
    },
  });
`;

describe.each(SERVERS)('a plug-in that runs scripts on %s', (command) => {
  let server: TestServer;
  const opened: Limiter[] = [];
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  beforeEach(() => server.client.flushall());
  afterAll(async () => {
    await Promise.all(opened.map((limiter) => limiter.close()));
    await server?.stop();
  });

  async function open(text: string, urls = [server.url]): Promise<Limiter> {
    const file = join(testFolder(), 'mine.mjs');
    writeFileSync(file, text);
    const redis = { urls, commandTimeoutMs: 10_000 };
    const place = { redis, region: 'eu-west', prefix: 'run-1', nowMs: () => 7 };
    const limiter = await openPlugin(file, { policies: parsePolicies('3:1/h'), ...place });
    opened.push(limiter);
    return limiter;
  }

  const clients = async () =>
    String(await server.client.client('LIST'))
      .trim()
      .split('\n').length;

  it('decides as the documentation shows', async () => {
    const limiter = await open(EXAMPLE);
    const first = await limiter.take(ada, { cost: 2 });
    expect(first).toMatchObject({ allowed: true, remainingTokens: 1 });
    expect(await limiter.take(ada, { cost: 2 })).toMatchObject({ allowed: false, remainingTokens: 0 });
    expect(await server.client.get('run-1:ada')).toBe('4');
    expect(first.stated?.reset).toBeGreaterThan(3);
    expect(first.stated?.reset).toBeLessThanOrEqual(4);
  });

  it('gives a script its keys and arguments, and the plug-in texts and whole numbers', async () => {
    const limiter = await open(running('return { tonumber(ARGV[1]) + 0.9, KEYS[1] .. ARGV[2] }'));
    expect(await limiter.take(ada, { cost: 5 })).toMatchObject({ allowed: true, remainingTokens: 5 });
  });

  it('says that a script which failed may have run, and that one which was never sent has not', async () => {
    const failing = await open(running('return redis.call("HGET", KEYS[1])'));
    await expect(failing.take(ada)).rejects.toMatchObject({ charge: 'possible' });
    const single = await open(running('return 1'));
    await expect(single.take(ada)).rejects.toMatchObject({
      ...{ code: 'REPLY_UNEXPECTED', charge: 'possible' },
      message: expect.stringContaining('plugin:mine.mjs: expected text and integers'),
    });
    const away = await open(EXAMPLE, [`redis://127.0.0.1:${await freePort()}`]);
    await expect(away.take(ada)).rejects.toMatchObject({ charge: 'none' });
  });

  it('connects at its start where it says that it can be simulated, since it is going to', async () => {
    const before = await clients();
    await open(EXAMPLE);
    await expect.poll(clients).toBe(before + 1);
  });

  it('has a connection of its own once it runs one, and none after it is closed', async () => {
    const before = await clients();
    const limiter = await open(running('return { 1, 2 }'));
    expect(await clients()).toBe(before);
    await limiter.take(ada);
    expect(await clients()).toBe(before + 1);
    await limiter.close();
    await expect.poll(clients).toBe(before);
    await expect(limiter.take(ada)).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
  });
});
