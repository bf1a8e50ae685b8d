import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { startTestServer } from '../support/server.ts';

/** Starts `fault command` on one server of an endpoints file; its commands run in the folder. */
async function start(flagsAt: readonly string[] | ((port: number) => readonly string[])) {
  const folder = testFolder();
  const server = await startTestServer('redis-server');
  onTestFinished(() => server.stop());
  const nodes = [{ name: 'redis', region: 'home', address: `127.0.0.1:${server.port}` }];
  writeFileSync(join(folder, 'e.yaml'), JSON.stringify({ kind: 'single', regions: ['home'], nodes }));
  const flags = typeof flagsAt === 'function' ? flagsAt(server.port) : flagsAt;
  const args = ['fault', 'command', '--endpoints', 'e.yaml', ...flags];
  const run = startCli(args, { cwd: folder, env: { TMPDIR: folder } });
  return { run, has: (file: string) => existsSync(join(folder, file)), port: server.port };
}

/** A server that a command has started, if it is there. */
async function shutDown(port: number): Promise<void> {
  await promisify(execFile)('redis-cli', ['-p', `${port}`, 'shutdown', 'nosave']).catch(() => {});
}

const BREAK = ['--inject', 'touch broken', '--heal', 'rm broken && touch healed'];

describe('fault command', { timeout: 60_000 }, () => {
  it.each([
    { signal: 'SIGINT', code: 0 },
    { signal: 'SIGTERM', code: 0 },
  ] as const)('is in force until $signal, and says what its proof saw', async ({ signal, code }) => {
    const { run, has } = await start([...BREAK, '--proof', 'test -e broken']);
    await untilSaid(run, /its proof succeeded\nin force until Ctrl-C/);
    expect(has('broken')).toBe(true);
    run.child.kill(signal);
    expect(await run.ended, run.output.stderr).toBe(code);
    expect([has('broken'), has('healed')]).toEqual([false, true]);
  });

  it('is not in force where its probe sees nothing', async () => {
    const { run } = await start([...BREAK, '--probe', 'unreachable,node=redis', '--for', '1ms']);
    expect(await run.ended, run.output.stderr).toBe(0);
    expect(run.output.stderr).toMatch(/\nnot in force: redis answers\n/);
  });

  it('that restarts a node says when that is down, and after the heal that it is another process', async () => {
    const { run, port } = await start((at) => [
      ...['--inject', `redis-cli -p ${at} shutdown nosave || true`, '--probe', 'restart,node=redis'],
      ...['--heal', `redis-server --port ${at} --save '' --daemonize yes`],
    ]);
    onTestFinished(() => shutDown(port));
    await untilSaid(run, /in force until Ctrl-C\nredis does not answer\n/);
    run.child.kill('SIGINT');
    expect(await run.ended, run.output.stderr).toBe(0);
    expect(run.output.stderr).toMatch(/\nhealed\nanother process of redis answers than before\n$/);
  });

  it('is no restart if only its heal is one', async () => {
    const { run, port } = await start((at) => [
      ...['--inject', 'true', '--probe', 'restart,node=redis', '--for', '1s'],
      ...[
        '--heal',
        `redis-cli -p ${at} shutdown nosave; redis-server --port ${at} --save '' --daemonize yes`,
      ],
    ]);
    onTestFinished(() => shutDown(port));
    expect(await run.ended, run.output.stderr).toBe(0);
    expect(run.output.stderr).toMatch(
      /\nnot in force: the same process .*\nhealed\nnot proved: another process .*, but only after the heal\n$/,
    );
  });

  it('is no restart if the same process answers until the heal and after it', async () => {
    const { run } = await start([...BREAK, '--probe', 'restart,node=redis', '--for', '1s']);
    expect(await run.ended, run.output.stderr).toBe(0);
    const same = 'the same process of redis answers as before';
    expect(run.output.stderr).toMatch(new RegExp(`\nnot in force: ${same}\nhealed\nnot proved: ${same}\n$`));
  });

  it('that can be neither injected nor healed says what is not undone; its output is kept', async () => {
    const { run } = await start(['--inject', 'echo denied; exit 4', '--heal', 'exit 5']);
    expect(await run.ended).toBe(69);
    const { stderr } = run.output;
    expect(stderr).toMatch(
      /warning: not undone: the fault may still be in force; run in .*: exit 5; its heal failed/,
    );
    expect(stderr).toMatch(/error: inject: exit code 4, last lines: denied; output: /);
    const [, folder = ''] = /^output of the commands: (.*)$/m.exec(stderr) ?? [];
    expect(readFileSync(join(folder, '1-inject.log'), 'utf8')).toMatch(/\ndenied\n# exit code 4 after/);
  });
});
