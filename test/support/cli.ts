import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

export const BIN = join(import.meta.dirname, '../../bin/openclaw-rl');

export interface CliRun {
  readonly child: ChildProcess;
  /** What it has written so far, and whether that is all. */
  readonly output: { stdout: string; stderr: string; isWhole: boolean };
  /** Resolves with the exit code, or the signal, once it has ended. */
  readonly ended: Promise<number | string>;
}

/** Runs the built program in `cwd`; ended by force when the test is over and it still runs. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliRun {
  return startProgram(BIN, args, options);
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Of a test that is concurrent; default: that of the test that runs. */
  readonly onFinished?: OnFinished;
}

type OnFinished = (callBack: () => void) => void;

/** Runs any program in `cwd`, as `startCli` runs ours. */
export function startProgram(command: string, args: readonly string[], options: CliOptions): CliRun {
  const cwd = options.cwd ?? tmpdir();
  const path = `${dirname(BIN)}:${process.env.PATH}`; // so that hints call the program by its name
  const env = {
    ...process.env,
    PATH: path,
    NO_COLOR: '1',
    OPENCLAW_RL_STATE: join(cwd, 'state'),
    ...options.env,
  };
  const child = spawn(command, args, { cwd, env });
  const output = { stdout: '', stderr: '', isWhole: false };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const { onFinished = onTestFinished } = options;
  onFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    output.isWhole = true;
    return (code ?? signal) as number | string;
  });
  return { child, output, ended };
}

/** Waits until a run has said something on standard error; fails with all that it said instead, at its end the latest. */
export async function untilSaid(
  { output }: Pick<CliRun, 'output'>,
  sign: RegExp,
  options: { readonly timeout?: number; readonly interval?: number } = {},
): Promise<void> {
  const isSaid = () => sign.test(output.stderr);
  await vi.waitUntil(() => isSaid() || output.isWhole, { timeout: 60_000, ...options }).catch(() => {});
  if (!isSaid()) throw new Error(`it never said ${sign}, but: ${output.stderr}`);
}

/** Runs the built program to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}) {
  return runProgram(BIN, args, options);
}

/** Runs any program to its end, as `runCli` runs ours. */
export async function runProgram(command: string, args: readonly string[], options: CliOptions = {}) {
  const { ended, output } = startProgram(command, args, options);
  return { code: await ended, stdout: output.stdout, stderr: output.stderr };
}

/** A folder of the test's own, gone afterwards; tests that are concurrent hand in what is called when they have finished. */
export function testFolder(onFinished: OnFinished = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  onFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
