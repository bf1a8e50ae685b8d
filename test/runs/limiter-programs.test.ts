import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { HEADERS } from '../../src/core/header-names.ts';
import { runCli, startCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';

/** A program of Node that allows what `allows` says of the take `asked`. */
const deciding = (allows: string, atStart = '') => `#!/usr/bin/env node
const say = (message) => console.log(JSON.stringify(message));
${atStart};
say({ ready: true });
let count = 0;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = JSON.parse(line);
  count++;
  ${allows};
});
`;

/** A folder of the test's own with a program of this text, its file and a scenario with its command. */
function folderWith(program: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'mine.cjs'), program);
  chmodSync(join(folder, 'mine.cjs'), 0o755);
  // The folder is an argument, so that processes of this test are found by it.
  writeFileSync(join(folder, 'mine.yaml'), `command: [./mine.cjs, ${folder}]\n`);
  writeFileSync(
    join(folder, 'run.yaml'),
    `# Does the program end its service?
limiter: { command: [./mine.cjs, ${folder}] }
topology: { regions: [a, b], replicas: 0, roundTrip: { 'a:b': 10ms } }
load: { connections: 4, users: 2, skew: 0, duration: 3s, ramp: 200ms }
claims: [total-excess <= 0]
`,
  );
  return folder;
}

const SERVE = 'serve rating --redis redis://127.0.0.1:1 --port 0 --limiter ./mine.yaml'.split(' ');
const ALLOWS = 'say({ id: asked.id, allowed: true })';

async function startService(program: string) {
  const folder = folderWith(program);
  const service = startCli(SERVE, { cwd: folder });
  const urlOf = () => /listening on (http:\/\/\S+)/.exec(service.output.stdout)?.[1];
  await vi.waitUntil(() => urlOf() !== undefined || service.output.isWhole, { timeout: 30_000 });
  const url = urlOf();
  expect(url, service.output.stderr).toBeDefined();
  const ask = (user: string) =>
    fetch(`${url}/v1/ratings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [HEADERS.user]: user },
      body: '{"item":"paper-1","score":5}',
    });
  const areGone = () => vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
  return { ...service, ask, areGone };
}

describe('a program that decides for a Rating service', { timeout: 60_000 }, () => {
  it('allows, denies and fails', async () => {
    const { child, ask, ended, areGone } = await startService(
      deciding(`
        if (asked.user === 'broken') say({ id: asked.id, error: 'no Redis' });
        else say({ id: asked.id, allowed: count < 2, remaining: 3, retryAfterMs: 1500 })`),
    );
    expect((await ask('ada')).status).toBe(201);
    expect((await ask('ada')).status).toBe(429);
    expect((await ask('broken')).status).toBe(503);
    child.kill('SIGTERM');
    await ended;
    await areGone();
  });

  it.each([
    { title: 'the service is stopped, though it goes on', signal: 'SIGTERM' },
    { title: 'the service is killed', signal: 'SIGKILL' },
  ] as const)('ends when $title', async ({ signal }) => {
    const deaf = signal === 'SIGTERM' ? `setInterval(() => {}, 1_000); process.on('SIGTERM', () => {})` : '';
    const { child, ended, areGone } = await startService(deciding(ALLOWS, deaf));
    child.kill(signal);
    await ended;
    await areGone();
  });

  it.each([
    { title: 'ends', allows: 'process.exit(3)', says: 'plugin:mine.yaml ended with code 3' },
    {
      title: 'prints',
      allows: `console.log('hi')`,
      says: 'plugin:mine.yaml wrote "hi" to its standard output',
    },
  ])('ends the service with exit code 64 when it $title', async ({ allows, says }) => {
    const { ask, ended, output, areGone } = await startService(deciding(allows));
    await ask('ada').catch(() => {}); // the service ends
    expect(await ended, output.stderr).toBe(64);
    expect(output.stderr).toContain(`error: ${says}`);
    expect(output.stderr).not.toContain('bug of openclaw-rl');
    await areGone();
  });

  it('is given 10 s to be ready', async () => {
    const folder = folderWith('#!/bin/sh\nwhile :; do sleep 1; done\n');
    const { code, stderr } = await runCli(SERVE, { cwd: folder });
    expect(code, stderr).toBe(64);
    expect(stderr).toContain('plugin:mine.yaml is not ready after 10 s: it has not written {"ready": true}');
    await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
  });
});

describe('a run with a program', { timeout: 120_000 }, () => {
  it('is not passed if the program ends, and names it', async () => {
    const folder = folderWith(deciding(`if (count > 30) process.exit(3); ${ALLOWS}`));
    const { code, stdout, stderr } = await runCli(['run', 'run.yaml', '--json'], { cwd: folder });
    expect(code, stderr).not.toBe(0);
    expect(JSON.parse(stdout).verdict, stderr).not.toBe('pass');
    expect(`${stdout}${stderr}`).toContain('plugin:run.yaml ended with code 3');
    await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
  });

  it('sends nothing if the program cannot start', async () => {
    const folder = folderWith(`#!/bin/sh\necho '{"error": "no configuration"}'\n`);
    const { code, stderr } = await runCli(['run', 'run.yaml'], { cwd: folder });
    expect(code, stderr).toBe(64);
    expect(stderr).toContain('plugin:run.yaml failed to start: no configuration');
    expect(stderr).toContain('the run has no report');
  });

  it.each([
    { args: ['--simulate'], says: 'plugin:run.yaml cannot be simulated: it is a program' },
    { args: ['--provider', 'docker'], says: '--provider' },
  ])('is refused with $args', async ({ args, says }) => {
    const { code, stderr } = await runCli(['run', 'run.yaml', ...args], { cwd: folderWith('') });
    expect(code, stderr).toBe(64);
    expect(stderr).toContain(says);
  });
});
