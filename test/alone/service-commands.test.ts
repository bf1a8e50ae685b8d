import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import { runProgram, testFolder } from '../support/cli.ts';
import { blocksOn, commandsShown, YOUR_REDIS_PAGE } from '../support/doc-blocks.ts';
import { APPS, serve } from '../support/http-apps.ts';
import { proved } from '../support/proved.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SHOWN = commandsShown(['README.md', 'docs/audit.md', YOUR_REDIS_PAGE]);
/** The loads on a service that runs. */
const AUDITS = SHOWN.filter(({ text }) => / bench .*(--target|--endpoints services)/.test(text));
const LOG = SHOWN.filter(({ text }) => text.includes(' check access.log '));

const ADDRESS = /https:\/\/\w+\.example\.com/g;

/** An application as in docs/library/http.md, whose limiter has the policy of the command and buckets of its own. */
async function startService(server: TestServer, command: string, prefix: string): Promise<string> {
  const [, policy = ''] = / --policy (\S+)/.exec(command) ?? [];
  const [, header = ''] = / --subject-header (\S+)/.exec(command) ?? [];
  const redis = { urls: [`redis://${server.host}:${server.port}`] };
  const limiter = createLimiter({ policy, redis, prefix });
  onTestFinished(() => limiter.close());
  const subject = (read: (name: string) => string | undefined) => {
    const user = read(header);
    return user === undefined ? undefined : { user, endpoint: 'search' };
  };
  const express = APPS.find(({ framework }) => framework === 'express');
  return express?.start({ limiter, subject, onServed: () => {} }) ?? '';
}

/** The same with `express-rate-limit`, which counts in its own memory. */
async function startWindows(command: string): Promise<string> {
  const [, limit, seconds] = / --promise fixed-window:(\d+)\/(\d+)s:first/.exec(command) ?? [];
  const app = express();
  app.use(
    rateLimit({
      ...{ limit: Number(limit), windowMs: 1_000 * Number(seconds) },
      keyGenerator: (request) => request.get('x-api-key') ?? '',
    }),
  );
  app.get('/search', (_, response) => void response.end());
  return serve(app);
}

/** Runs a command as it is shown, but for the address, in a folder with the files that it names. */
async function runShown(server: TestServer, text: string) {
  const folder = testFolder();
  const isOfWindows = text.includes(' --promise ');
  const address = await (isOfWindows ? startWindows(text) : startService(server, text, basename(folder)));
  for (const block of blocksOn(YOUR_REDIS_PAGE, 'yaml'))
    if (block.text.startsWith('# services.yaml'))
      writeFileSync(join(folder, 'services.yaml'), block.text.replaceAll(ADDRESS, address));
  writeFileSync(join(folder, 'keys.txt'), ['ada', 'alan', 'edsger', 'grace', 'tony'].join('\n'));
  const command = text.replace(/^npx /, '').replaceAll(ADDRESS, address);
  return runProgram('bash', ['-c', command], { cwd: folder, env: { TOKEN: 'secret' } });
}

describe('what pages show of services that run', { timeout: 180_000 }, () => {
  it('U3: ends in a pass for a right service, each command as it is shown', async () => {
    expect(AUDITS.map(({ page }) => page)).toEqual([
      'README.md',
      'docs/audit.md',
      'docs/audit.md',
      'docs/audit.md',
      YOUR_REDIS_PAGE,
    ]);
    const server = await startTestServer('redis-server');
    onTestFinished(() => server.stop());
    const all = AUDITS.map(({ text }) =>
      proved(
        () => runShown(server, text),
        ({ code }) => code !== 2,
      ).then((ran) => ({ text, ...ran })),
    );
    for (const { text, code, stdout, stderr } of await Promise.all(all)) {
      expect(code, `${text}\n${stdout}\n${stderr}`).toBe(0);
      expect(stdout).toMatch(/^verdict {2}pass$/m);
      expect(stderr).not.toMatch(/^note: /m);
    }
  });

  it('U3: ends in a verdict for a log, as the page of logs has it', async () => {
    expect(LOG).toHaveLength(1);
    for (const { text } of LOG) {
      const command = text
        .replace(/^npx /, '')
        .replace(' access.log ', ` ${ROOT}/docs/examples/nginx-access.log.gz `);
      const { code, stdout } = await runProgram('bash', ['-c', command], { cwd: testFolder() });
      expect(code).toBe(1);
      expect(stdout).toMatch(/^verdict {2}fail$/m);
    }
  });
});
