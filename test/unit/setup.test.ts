import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/cli.ts';

const SETUP = resolve('bin/setup');

/** A clone without packages, on a machine whose seconds take 10 ms, and whose npm waits for the file `go`. */
function slowClone(npm: string) {
  const folder = testFolder();
  for (const name of ['bin', 'src', 'tools']) mkdirSync(join(folder, name));
  copyFileSync(SETUP, join(folder, 'bin/setup'));
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json'])
    writeFileSync(join(folder, name), '{}\n');
  const wait = 'while ! [ -e go ]; do /bin/sleep 0.01; done';
  const tools = {
    node: 'echo v22.20.0',
    npm: `case $1 in ci) ${wait}; ${npm} ;; run) mkdir -p dist/bundle/process; : >dist/bundle/process/main.js ;; esac`,
    'redis-server': 'echo Redis server v=8.0.2',
    'valkey-server': 'echo Valkey server v=8.1.0',
    cc: 'cat >/dev/null',
    sleep: 'exec /bin/sleep 0.01',
  };
  for (const [name, does] of Object.entries(tools)) {
    writeFileSync(join(folder, 'tools', name), `#!/bin/sh\n${does}\n`);
    chmodSync(join(folder, 'tools', name), 0o755);
  }
  const env = { ...process.env, PATH: `${join(folder, 'tools')}:${process.env.PATH}` };
  const child = spawn('sh', ['bin/setup'], { cwd: folder, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { said: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output.said += chunk;
    });
  const ended = once(child, 'close').then(([code]) => code as number);
  return { output, ended, child, goOn: () => writeFileSync(join(folder, 'go'), '') };
}

const STILL =
  /^setup: installing npm packages \(npm ci\)\nsetup: still installing npm packages \(npm ci\), 30 s$/m;

it('bin/setup says what it does, and that it goes on', async () => {
  const { output, ended, goOn } = slowClone('mkdir node_modules');
  await vi.waitUntil(() => STILL.test(output.said), { timeout: 20_000 });
  goOn();
  expect(await ended, output.said).toBe(0);
  expect(output.said).toMatch(
    /^setup: building dist \(npm run build\)\n(setup: still .*\n)*setup: ready in/m,
  );
});

it('bin/setup shows why a step failed', async () => {
  const { output, ended, goOn } = slowClone('echo no network; exit 1');
  goOn();
  expect(await ended, output.said).toBe(69);
  expect(output.said).toContain('no network\nsetup: npm ci failed (its output is above)\n');
});

it('bin/setup ends with its signal while it waits', async () => {
  const { output, ended, child, goOn } = slowClone('exit 1');
  await vi.waitUntil(() => STILL.test(output.said), { timeout: 20_000 });
  child.kill('SIGTERM');
  goOn();
  expect(await ended, output.said).toBe(143);
});
