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
/** How long what it has written may take once it has ended: a child of it may hold its standard output open. */
const LAST_WORDS_MS = 500;

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
  const child: Child = spawn(path, args, {
    ...{ cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] as const },
    detached: true, // leads a group, in which its children are
  });
  atExit(() => kill(child));
  const takes = new Takes();
  let onEnd = onFailure;
  const ready = new Promise<void>((resolve, reject) => {
    onEnd = reject; // until it is ready
    const fail = (what: string) => {
      const error = refused(file, what);
      kill(child);
      takes.rejectAll(error);
      onEnd(error);
      onEnd = () => {}; // what follows from its end is not told
    };
    let isReady = false;
    onMessages(child, fail, (message) => {
      if (message.ready && !isReady) {
        isReady = true;
        onEnd = onFailure;
        resolve();
      } else if (!takes.settle(message)) fail(unexpected(message, isReady));
    });
    child.on('error', (error) => fail(`cannot be started: ${reasonOf(error, path)}`));
    void endOf(child).then((how) => fail(`ended with ${how}`));
    child.stdin.on('error', () => {}); // its end says why
  });
  await ready;
  return {
    take: (user, take) => takes.add((id) => child.stdin.write(`${JSON.stringify({ id, user, ...take })}\n`)),
    async close() {
      onEnd = () => {};
      child.stdin.end();
      await withTimeout<unknown>(END_MS, endOf(child), () => kill(child));
      await endOf(child);
      killGroup(child);
    },
  };
}

/** Kills a program and its children. One outside its group may hold its standard output open, which would keep this process. */
function kill(child: Child): void {
  killGroup(child);
  child.stdout.destroy();
}

/** Also once the program itself has ended: its children are still of its group. */
function killGroup({ pid }: Child): void {
  if (pid === undefined) return; // it could not be started
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // none is left
  }
}

/** How a program ended, once all that it wrote has been read, or cannot be expected any more. */
async function endOf(child: Child): Promise<string> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('exit', resolve)); // never, if it could not be started
  if (!child.stdout.closed)
    await withTimeout<unknown>(LAST_WORDS_MS, once(child.stdout, 'close'), () => child.stdout.destroy());
  return child.exitCode === null ? String(child.signalCode) : `code ${child.exitCode}`;
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

function unexpected({ id, error, ready }: Message, isReady: boolean): string {
  if (id !== undefined) return `answered take ${id}, which does not wait for an answer`;
  if (ready) return 'said twice that it is ready';
  return isReady ? `failed: ${messageOf(error)}` : `failed to start: ${messageOf(error)}`;
}

function reasonOf(error: NodeJS.ErrnoException, path: string): string {
  return error.code === 'ENOENT'
    ? `${quoted(path)}, or the program that runs it, was not found`
    : messageOf(error);
}
