import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { type CliRun, startCli, untilSaid } from '../support/cli.ts';
import { clusterFolder, SMALL, up } from '../support/cli-cluster.ts';
import { guardsOf, isRunning, processesMentioning, servicePid } from '../support/processes.ts';

const LOAD = ['--rate', '40', '--connections', '10', '--users', '6', '--skew', '0', '--ramp', '0'];
const SHORT = ['bench', ...SMALL, ...LOAD, '--duration', '3'];
const LONG = ['bench', ...SMALL, ...LOAD, '--duration', '300'];

/** A run in its load, with the Rating service of region b and the shells of its guard. */
async function startRun(folder: string, args: readonly string[]) {
  const run = startCli(args, { cwd: folder });
  const load = /^ *\d+\.\d s {2}load /m; // its start: a busy machine may report nothing later of a short one
  await untilSaid(run, load, { timeout: 150_000 });
  const service = servicePid(folder, 'rating', 'b');
  const guards = await guardsOf(service);
  onTestFinished(() => send('SIGKILL', [service, ...guards].filter(isRunning)));
  return { ...run, service, guards };
}

function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, signal);
}

/** Kills a program and a guard; the program must not run in between, since it would end the service. */
function kill({ child, guards }: { child: ChildProcess; guards: readonly number[] }): void {
  const program = child.pid ?? 0;
  send('SIGSTOP', [program]);
  send('SIGKILL', [...guards, program]);
}

/** The exit code, or what the run says instead of ending. */
async function endOf({ ended, output }: CliRun): Promise<number | string> {
  const late = () =>
    new Promise<string>((resolve) => setTimeout(() => resolve(output.stderr), 120_000).unref());
  return Promise.race([ended, late()]);
}

/** What was killed may take a moment to end. */
async function untilNoneLeft(folder: string): Promise<void> {
  await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
}

describe('a service of a program that is killed, and its guard with it', { timeout: 300_000 }, () => {
  it.each([
    { command: ['down', '--all'] },
    { command: ['doctor'] },
    { command: ['up', '--name', 'other', ...SMALL] },
  ])('is ended by $command', async ({ command }) => {
    const folder = clusterFolder();
    const { child, ended, service, guards } = await startRun(folder, LONG);
    kill({ child, guards });
    await ended;
    expect(isRunning(service)).toBe(true);
    const { code, stdout, stderr } = await callCli(command, { cwd: folder });
    expect([code, stdout + stderr]).toEqual([
      0,
      expect.stringMatching(/removed the leftovers of a killed run: run-\d/),
    ]);
    expect(isRunning(service)).toBe(false);
  });

  it('is ended though it is a plug-in that was only asked for its promise', async () => {
    const folder = clusterFolder();
    const plugin = join(folder, 'mine.mjs');
    writeFileSync(plugin, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);');
    const { child, ended } = startCli(['bench', '--limiter', plugin], { cwd: folder });
    const asked = () =>
      processesMentioning(folder).find(({ command }) => /^\S+node .* read-plugin /.test(command))?.pid;
    const service = await vi.waitUntil(asked, { timeout: 30_000 });
    kill({ child, guards: await guardsOf(service) });
    await ended;
    await callCli(['doctor'], { cwd: folder });
    expect(isRunning(service)).toBe(false);
  });

  it('is ended on a cluster that stays, which is left alone', async () => {
    const folder = clusterFolder();
    await up(folder, ...SMALL);
    const { child, ended, service, guards } = await startRun(folder, LONG);
    kill({ child, guards });
    await ended;
    const { stdout } = await callCli(['doctor'], { cwd: folder });
    expect(stdout).toMatch(/removed the leftovers of a killed run: run-\d/);
    expect(isRunning(service)).toBe(false);
    expect((await up(folder, ...SMALL)).stderr).toMatch(/^cluster default was up already$/m);
  });
});

it('leaves the services of a running program alone, also when its cluster is ended', {
  timeout: 300_000,
}, async () => {
  const folder = clusterFolder();
  await up(folder, ...SMALL);
  const run = await startRun(folder, LONG);
  expect((await callCli(['doctor'], { cwd: folder })).stdout).toMatch(/no leftovers of a killed run/);
  expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
  expect((await callCli(['doctor'], { cwd: folder })).stdout).toMatch(/no leftovers of a killed run/);
  expect([run.service, ...run.guards].filter((pid) => !isRunning(pid))).toEqual([]);
  run.child.kill('SIGINT');
  expect(await endOf(run)).toBe(130);
  await untilNoneLeft(folder);
});

describe('a run whose service and guard are stopped by SIGSTOP', { timeout: 300_000 }, () => {
  it('tears down and leaves nothing', async () => {
    const folder = clusterFolder();
    const run = await startRun(folder, SHORT);
    send('SIGSTOP', [run.service, ...run.guards]);
    expect([0, 1, 2]).toContain(await endOf(run));
    expect(run.output.stderr).not.toMatch(/not undone/);
    await untilNoneLeft(folder);
  });

  it('does so when it is interrupted meanwhile', async () => {
    const folder = clusterFolder();
    const run = await startRun(folder, SHORT);
    send('SIGSTOP', [run.service, ...run.guards]);
    await untilSaid(run, /tear down/, { timeout: 120_000 });
    run.child.kill('SIGTERM');
    expect(await endOf(run)).toBe(143);
    await untilNoneLeft(folder);
  });

  it('kills what is left when it is interrupted twice; the next command removes the files', async () => {
    const folder = clusterFolder();
    const run = await startRun(folder, SHORT);
    send('SIGSTOP', [run.service, ...run.guards]);
    await untilSaid(run, /tear down/, { timeout: 120_000 });
    const again = setInterval(() => run.child.kill('SIGTERM'), 50); // within half a second they are one
    const code = await endOf(run);
    clearInterval(again);
    expect(code).toBe(143);
    await untilNoneLeft(folder);
    const { stdout } = await callCli(['doctor'], { cwd: folder });
    expect(stdout).toMatch(/removed the leftovers of a killed run: (run-[\d-]+)/);
    expect(existsSync(join(folder, 'state/clusters', /(run-[\d-]+)/.exec(stdout)?.[1] ?? ''))).toBe(false);
  });
});
