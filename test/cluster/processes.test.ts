import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { signalAll } from '../../src/regions/processes/owned-processes.ts';
import { startProcess } from '../../src/regions/processes/process.ts';
import { testFolder } from '../support/cli.ts';
import { guardsOf, isRunning } from '../support/processes.ts';

/** Answers, hands its descriptor to a child that outlives it, prints the child's pid, and ends. */
const LEAVES_A_CHILD = `
const { spawn } = require('node:child_process');
const { writeSync } = require('node:fs');
writeSync(3, '{"ready":{"address":"http://127.0.0.1:1"}}\\n{"ready":{oops\\n');
const child = spawn('sleep', ['60'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 3] });
console.log(child.pid);
child.unref();
`;

it('a process has ended with its answer though a child of it holds the descriptor open', async () => {
  const logFile = join(testFolder(), 'log');
  const program = await startProcess({
    name: 'it',
    command: process.execPath,
    args: ['-e', LEAVES_A_CHILD],
    logFile,
  });
  const how = await Promise.race([program.ended, sleep(30_000, 'never', { ref: false })]);
  process.kill(Number(readFileSync(logFile, 'utf8')), 'SIGKILL');
  expect([how, program.answer()]).toEqual([
    'it ended with code 0',
    { ready: { address: 'http://127.0.0.1:1' } },
  ]);
});

/** A process with its guard, and all of their pids; none of them outlives the test. */
async function startGuarded() {
  const logFile = join(testFolder(), 'log');
  const program = await startProcess({ name: 'it', command: 'sleep', args: ['600'], logFile });
  const [waiting, ending] = await guardsOf(program.pid);
  const all = [program.pid, waiting, ending];
  onTestFinished(() => send('SIGKILL', all));
  return { program, waiting, ending, all, left: () => all.filter(isRunning) };
}

function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  signalAll(
    pids.map((pid) => ({ pid })),
    signal,
  );
}

const GONE = { timeout: 20_000 };

describe('a process', { timeout: 60_000 }, () => {
  it.each<{ title: string; killed: readonly ('waiting' | 'ending')[] }>([
    { title: 'the shell that waits for it', killed: ['waiting'] },
    { title: 'both shells of its guard', killed: ['waiting', 'ending'] },
  ])('ends at once with $title', async ({ killed }) => {
    const { program, left, ...shells } = await startGuarded();
    send(
      'SIGKILL',
      killed.map((shell) => shells[shell]),
    );
    expect(await program.ended).toBe('it ended with SIGKILL');
    await vi.waitUntil(() => left().length === 0, GONE);
    await program.stop();
  });

  it('ends when it is stopped, though the shell that would end it was killed', async () => {
    const { program, ending, left } = await startGuarded();
    send('SIGKILL', [ending]);
    await program.stop();
    await vi.waitUntil(() => left().length === 0, GONE);
  });

  it('ends when it is stopped, though SIGSTOP has stopped it and its guard', async () => {
    const { program, all, left } = await startGuarded();
    send('SIGSTOP', all);
    await program.stop();
    await vi.waitUntil(() => left().length === 0, GONE);
  });
});
