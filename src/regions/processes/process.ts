import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { environmentFailed } from '../../core/errors.ts';
import { ANSWER_FD, type Answer, parseAnswer } from './answer.ts';
import { signalAll } from './owned-processes.ts';

/** A child process that ends with this program. */
export interface LocalProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, with a sentence that gives its exit status. */
  readonly ended: Promise<string>;
  /** Its answers so far; complete once it has ended. */
  answer(): Answer;
  /** Ends it with SIGTERM, then SIGKILL after two seconds. Also ends one that is stopped, or whose guard is. */
  stop(): Promise<void>;
  /** SIGKILL, at once. */
  kill(): void;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment; default: that of this program. Pass secrets here: arguments show in process lists. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file for its standard output and standard error. */
  readonly logFile: string;
}

/**
 * A shell that starts the process and prints its pid. Its standard input closes when this program ends in any way, even
 * by SIGKILL; then it ends the process. Afterwards it sends SIGTERM to the children of the process. The process writes
 * its answers to descriptor 3, the pipe that also carries the pid. The shells can be killed or stopped, too: then this
 * program ends the process, else the next one, by its mark.
 */
const GUARD = `
exec 3<&0 4>&1 >>"$1" 2>&1
shift
${ANSWER_FD}=3 "$@" </dev/null 3>&4 4>&- &
child=$!
echo "$child" >&4
exec 4>&- 2>/dev/null
{
  trap 'exit 0' TERM
  read -r _
  kill -CONT "$child"; kill "$child"
  tries=0
  while [ "$tries" -lt 20 ] && kill -0 "$child"; do sleep 0.1; tries=$((tries + 1)); done
  kill -9 "$child"
} <&3 >/dev/null 2>&1 &
watcher=$!
wait "$child"
code=$?
kill "$watcher"
wait "$watcher"
trap '' TERM
kill -s TERM -- -$$
exit "$code"
`;

/** Until a process has to have ended: twice the time that its guard takes. */
const STOP_MS = 4_000;

/** Starts a process in its own session, so that a terminal's Ctrl-C reaches only this program. */
export async function startProcess({
  name,
  command,
  args,
  env,
  logFile,
}: StartOptions): Promise<LocalProcess> {
  try {
    closeSync(openSync(logFile, 'a'));
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw environmentFailed(`cannot write the log of ${name}: ${why}`, 'free disk space there', error);
  }
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', logFile, command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(env === undefined ? {} : { env }),
  });
  guard.stdin.on('error', () => {});
  const ended = describeEnd(guard, name);
  let answer: Answer = {};
  const started = new Promise<number>((resolve) => {
    createInterface(guard.stdout).on('line', (line) => {
      if (/^\d+$/.test(line)) resolve(Number(line));
      else answer = { ...answer, ...parseAnswer(`${line}\n`) };
    });
  });
  const pid = await Promise.race([started, ended]);
  if (typeof pid === 'string') throw environmentFailed(`${pid}; its log: ${logFile}`);
  const kill = () => {
    if (guard.exitCode === null && guard.signalCode === null) killGroup(guard); // else its pid may be another's
  };
  return {
    name,
    pid,
    logFile,
    ended,
    answer: () => answer,
    async stop() {
      guard.stdin.end();
      const patience = setTimeout(kill, STOP_MS);
      await ended;
      clearTimeout(patience);
    },
    kill,
  };
}

/** Kills a guard, its process, and the children of that. */
function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) signalAll([{ pid: -pid }], 'SIGKILL');
}

/** How long the rest of an answer may take after the end; a child of the process may hold the descriptor open. */
const LAST_WORDS_MS = 500;

async function describeEnd(guard: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve) => {
    guard.once('error', (error) => resolve(`${name} could not be started: ${error.message}`));
    guard.once('exit', (code, signal) => {
      if (signal !== null) killGroup(guard); // the guard was killed: nothing else ends the process
      const status = code === null ? signal : code > 128 ? `signal ${code - 128}` : `code ${code}`;
      const patience = setTimeout(() => guard.stdout?.destroy(), LAST_WORDS_MS); // then it is closed, too
      guard.once('close', () => {
        clearTimeout(patience);
        resolve(`${name} ended with ${status}`);
      });
    });
  });
}
