import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { quoted } from '../../../core/printable.ts';
import { withTimeout } from '../../with-timeout.ts';
import { messageOf, refused } from '../error.ts';
import type { PluginDecision, PluginTake } from '../plugin.ts';
import { Lines } from './lines.ts';
import { LONGEST_LINE, type Message, readMessage } from './messages.ts';
import { Takes } from './takes.ts';

/** A program that decides takes. */
export interface Program {
  /** `nowMs`: the clock of the service. Rejects with the program's error, or when it ends. */
  take(user: string, take: PluginTake & { readonly nowMs: number }): Promise<PluginDecision>;
  /** Closes its standard input; kills it if it goes on for `END_MS`. */
  close(): Promise<void>;
}

export interface ProgramOptions {
  /** The file that describes it, for errors. */
  readonly file: string;
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Calls `end` when this process exits. */
  readonly atExit: (end: () => void) => void;
  /** It ended, or broke the protocol, after it was ready. It is killed. */
  readonly onFailure: (error: Error) => void;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** How long a program may take to end once its standard input is closed. */
const END_MS = 2_000;

/**
 * Starts a program and waits until it is ready. Throws INVALID_OPTION if it cannot be started, says that it cannot, ends, or
 * breaks the protocol.
 */
export async function startProgram({
  file,
  command,
  folder,
  env,
  atExit,
  onFailure,
}: ProgramOptions): Promise<Program> {
  const [path, ...args] = command;
  const child: Child = spawn(path, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  atExit(() => child.kill('SIGKILL'));
  const takes = new Takes();
  let onEnd = onFailure;
  const ready = new Promise<void>((resolve, reject) => {
    onEnd = reject; // until it is ready
    const fail = (what: string) => {
      const error = refused(file, what);
      child.kill('SIGKILL');
      takes.rejectAll(error);
      onEnd(error);
      onEnd = () => {}; // what follows from its end is not told
    };
    onMessages(child, fail, (message) => {
      if (message.ready) {
        onEnd = onFailure;
        resolve();
      } else if (!takes.settle(message)) fail(unexpected(message));
    });
    child.on('error', (error) => fail(`cannot be started: ${reasonOf(error, path)}`));
    child.on('exit', (code, signal) => fail(`ended with ${code === null ? signal : `code ${code}`}`));
    child.stdin.on('error', () => {}); // its end says why
  });
  await ready;
  return {
    take: (user, take) => takes.add((id) => child.stdin.write(`${JSON.stringify({ id, user, ...take })}\n`)),
    async close() {
      onEnd = () => {};
      child.stdin.end();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      await withTimeout<unknown>(END_MS, ended, () => child.kill('SIGKILL'));
      await ended;
    },
  };
}

function onMessages(child: Child, fail: (what: string) => void, onMessage: (message: Message) => void): void {
  const lines = new Lines(LONGEST_LINE);
  child.stdout.on('data', (bytes: Buffer) => {
    try {
      for (const line of lines.add(bytes)) if (line.trim() !== '') onMessage(readMessage(line));
    } catch (error) {
      fail(messageOf(error));
    }
  });
}

function unexpected(message: Message): string {
  if (message.id === undefined) return `failed to start: ${messageOf(message.error)}`;
  return `answered take ${message.id}, which does not wait for an answer`;
}

function reasonOf(error: NodeJS.ErrnoException, path: string): string {
  return error.code === 'ENOENT' ? `${quoted(path)} was not found` : messageOf(error);
}
