import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Environment } from '../../src/cli/process/environment.ts';
import { BIN, type CliOptions } from './cli.ts';
import { callInProcess } from './in-process.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/program.js');

/**
 * Runs a command of the built program in this process, its output gathered, as `runCli` runs the program: for what does
 * not depend on a process of its own, since starting one costs more than most commands do. One after the other, since
 * the current folder is the command's.
 */
export function callCli(args: readonly string[], options: CallOptions = {}) {
  const called = last.then(() => callNow(args, options));
  last = called.catch(() => {});
  return called;
}

let last: Promise<unknown> = Promise.resolve();

/** With an `answer` it has a terminal, in which that is typed. */
interface CallOptions extends CliOptions {
  readonly answer?: string;
}

async function callNow(args: readonly string[], { answer, ...options }: CallOptions) {
  const cwd = options.cwd ?? tmpdir();
  const result = { code: 0, stdout: '', stderr: '' };
  const environment: Environment = {
    env: { ...process.env, NO_COLOR: '1', OPENCLAW_RL_STATE: join(cwd, 'state'), ...options.env },
    self: [process.execPath, BIN],
    commandLine: args,
    cwd,
    stdin: Readable.from([]),
    ...callInProcess({
      out: (text) => {
        result.stdout += text;
      },
      log: (text) => {
        result.stderr += text;
      },
      setExitCode: (code) => {
        result.code = code;
      },
    }),
    ...(answer !== undefined && {
      ask: async (question) => {
        result.stderr += `${question}${answer}\n`;
        return answer;
      },
    }),
  };
  const { runTyped }: typeof import('../../src/cli/program.ts') = await import(PROGRAM);
  const before = process.cwd();
  process.chdir(cwd);
  try {
    await runTyped(environment);
  } finally {
    process.chdir(before);
  }
  return result;
}
