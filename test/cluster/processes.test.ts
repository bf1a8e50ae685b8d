import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startProcess } from '../../src/regions/processes/process.ts';
import { testFolder } from '../support/cli.ts';

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
