import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { environmentFailed } from '../../core/errors.ts';
import { signalAll } from '../../regions/processes/owned-processes.ts';
import { formatDuration } from '../../scenario/units.ts';

/** How commands of the user run. */
export interface Shell {
  /** The current folder, for commands without a folder of their own. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The folder of the run; its folder `faults` keeps what the commands print. */
  readonly folder: string;
  /** The number of the fault in its plan, from 1. */
  readonly number: number;
}

export interface ShellCommand {
  readonly text: string;
  /** The key of the fault that has this command: `inject`, `heal`, ... */
  readonly phase: string;
  readonly limitMs: number;
  /** Kills it, with all that it started. Absent: only its limit does. */
  readonly signal?: AbortSignal;
}

/** How a command ended. */
export interface Ended {
  readonly isOk: boolean;
  /** `exit code 3, last lines: ...; output: <file>`. */
  readonly how: string;
}

/**
 * Runs a text by `sh`, without input, in a process group of its own, and appends what it prints to its log, with its
 * status and its times. The group is killed at the limit and on abort. Throws ENVIRONMENT_FAILED if it cannot start.
 */
export async function runCommand(shell: Shell, command: ShellCommand): Promise<Ended> {
  const file = join(shell.folder, 'faults', `${shell.number}-${command.phase}.log`);
  const log = await openLog(file);
  try {
    const startedMs = performance.now();
    await log.write(`$ ${command.text}\n# started ${new Date().toISOString()}\n`);
    const from = (await log.stat()).size;
    const status = await statusOf(start(shell, command, log), shell.cwd, command);
    const last = await lastLines(log, from);
    await log.write(`# ${status} after ${((performance.now() - startedMs) / 1_000).toFixed(3)} s\n`);
    const printed = last === '' ? 'it printed nothing' : `last lines: ${last}`;
    return { isOk: status === 'exit code 0', how: `${status}, ${printed}; output: ${file}` };
  } finally {
    await log.close();
  }
}

async function openLog(file: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(file), { recursive: true });
    return await open(file, 'a+');
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw environmentFailed(`cannot write the output of a command: ${why}`, 'free disk space there', error);
  }
}

/** Its output goes to the file directly: a pipe would stay open as long as any of its children. */
function start(shell: Shell, { text, phase }: ShellCommand, log: FileHandle): ChildProcess {
  const { cwd, env, folder, number } = shell;
  return spawn('/bin/sh', ['-c', text], {
    cwd,
    env: { ...env, OPENCLAW_RL_RUN: folder, OPENCLAW_RL_FAULT: `command ${number} ${phase}` },
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
}

const FOLDER = 'check that its folder is there';

/** Waits until it has ended, or kills its group. */
function statusOf(child: ChildProcess, cwd: string, { limitMs, signal }: ShellCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    let killedFor: string | undefined;
    const kill = (why: string) => {
      killedFor ??= why;
      if (child.pid !== undefined) signalAll([{ pid: -child.pid }], 'SIGKILL');
    };
    const limit = setTimeout(() => kill(`killed at its limit of ${formatDuration(limitMs)}`), limitMs);
    const abort = () => kill('killed, since the run ended');
    signal?.addEventListener('abort', abort);
    const end = () => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', abort);
    };
    child.once('error', (error) => {
      end();
      reject(environmentFailed(`a command cannot be started in ${cwd}: ${error.message}`, FOLDER, error));
    });
    child.once('exit', (code, by) => {
      end();
      resolve(killedFor ?? (code === null ? `signal ${by}` : `exit code ${code}`));
    });
    if (signal?.aborted) abort();
  });
}

const MOST_BYTES = 2_000;

/** The last three lines after a place in a log, on one line. */
async function lastLines(log: FileHandle, from: number): Promise<string> {
  const { size } = await log.stat();
  const start = Math.max(from, size - MOST_BYTES);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(size - start), 0, size - start, start);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .slice(-3)
    .join(' | ');
}
