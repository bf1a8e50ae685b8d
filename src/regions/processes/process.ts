import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { OpenclawError } from '../../core/errors.ts';

/** A process that we started and that ends with us. */
export interface LocalProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, with a sentence that says how. */
  readonly ended: Promise<string>;
  /** Ends it, by force when it does not go within two seconds. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment; default: ours. The place for secrets, which a process list would show. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its standard output and error go. */
  readonly logFile: string;
}

/**
 * A shell stands between: it tells the pid, and ends the process when its own standard input closes, which
 * happens however we end, SIGKILL included. What the process started itself is asked to end after it.
 */
const GUARD = `
exec 3<&0 4>&1 >>"$1" 2>&1
shift
"$@" </dev/null 3<&- 4>&- &
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

/** Starts a process in a session of its own, so that a terminal's Ctrl-C reaches only us. */
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
    throw new OpenclawError('ENVIRONMENT_FAILED', `cannot write the log of ${name}: ${why}`, {
      cause: error,
      hint: 'make room there',
    });
  }
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', logFile, command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(env === undefined ? {} : { env }),
  });
  guard.stdin.on('error', () => {});
  const ended = describeEnd(guard, name);
  const [line] = await Promise.race([
    once(createInterface(guard.stdout), 'line'),
    ended.then((how) => [how]),
  ]);
  const pid = Number(line);
  if (!Number.isInteger(pid)) {
    throw new OpenclawError('ENVIRONMENT_FAILED', `${String(line)}; its log: ${logFile}`);
  }
  return {
    name,
    pid,
    logFile,
    ended,
    async stop() {
      guard.stdin.end();
      await ended;
    },
  };
}

async function describeEnd(guard: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve) => {
    guard.once('error', (error) => resolve(`${name} could not be started: ${error.message}`));
    guard.once('exit', (code, signal) => {
      const status = code === null ? signal : code > 128 ? `signal ${code - 128}` : `code ${code}`;
      resolve(`${name} ended with ${status}`);
    });
  });
}
