import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { environmentFailed } from '../../core/errors.ts';
import { ANSWER_FD, type Answer } from '../../regions/processes/answer.ts';
import { fitted, type Look } from '../../report/fit-lines.ts';
import { type Ask, askInTerminal } from './ask.ts';
import { asCalled, findProgram } from './called-as.ts';
import { exitAtEnd } from './exit-at-end.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** The process globals that commands use, in one object. Code outside `cli/` does not use them. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command that starts this program. */
  readonly self: readonly [command: string, ...args: string[]];
  /** The words after the program's name. */
  readonly commandLine: readonly string[];
  readonly cwd: string;
  /** Standard input: a pipe, a file, a terminal or a socket. */
  readonly stdin: Readable;
  /** Results. */
  out(text: string): void;
  /** Progress and logs. */
  log(text: string): void;
  /** Asks in the terminal; undefined without one on standard input and standard error. */
  readonly ask?: Ask | undefined;
  /** Sends an answer to the parent process; undefined if that does not wait for one. */
  answer?: ((answer: Answer) => void) | undefined;
  /** Colour, width and program name for results. */
  readonly look: Look;
  /** The terminals of results and of progress; undefined if they cannot be redrawn. */
  readonly terminals: { readonly out?: Terminal | undefined; readonly log?: Terminal | undefined };
  /** Passes log texts to `take` until the returned function is called. */
  divertLog(take: (text: string) => void): () => void;
  /** Calls back at the exit of the process, until the returned function is called. */
  onExit(callBack: (code: number) => void): () => void;
  /** Calls back with uncaught errors, the latest listener first, until the returned function is called. */
  onUncaught(callBack: (error: unknown) => void): () => void;
  /** Calls back around a stop by Ctrl-Z, until the returned function is called. */
  onSuspend(callBacks: { suspend(): void; resume(): void }): () => void;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, or if results cannot be written. A second signal at least 0.5 s later exits. */
  readonly interrupt: AbortSignal;
  /** After an abort: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, 69 if results cannot be written. */
  interruptCode(): number;
  /** Resolves when `interrupt` aborts. */
  interrupted(): Promise<void>;
  setExitCode(code: number): void;
  /** Exits at once: for bugs, and if foreign code could keep the process alive. */
  exit(code: number): never;
  /**
   * From now on the process ends with its command: foreign code could keep it alive. If that ends it before with 0, it ends
   * with `instead`. Calls back at the end of the command. Undefined in a process of others.
   */
  exitAtEnd?: ((callBack: () => void, instead: () => number) => void) | undefined;
}

/** `timeout` sends each signal twice, to the program and to its group; Ctrl-C can arrive twice, too. */
const SAME_SIGNAL_MS = 500;

/** The exit code if the result could not be written: never a pass. */
const NOT_HANDED_OVER = 69;

/** Call `commandEnded` of `exit-at-end.ts` when the command has ended. */
export function processEnvironment(): Environment {
  const { env, stdout, stderr } = process;
  const interrupt = new AbortController();
  let code = 130;
  let interruptedMs = 0;
  for (const [signal, signalCode] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      const isAgain = performance.now() - interruptedMs >= SAME_SIGNAL_MS;
      if (interrupt.signal.aborted && isAgain) process.exit(signalCode);
      if (interrupt.signal.aborted) return;
      interruptedMs = performance.now();
      code = signalCode;
      interrupt.abort();
    });
  }
  stderr.on('error', () => {}); // a closed stderr is no error
  stdout.on('error', () => {
    process.exitCode = NOT_HANDED_OVER;
    if (!interrupt.signal.aborted) code = NOT_HANDED_OVER;
    interrupt.abort();
  });
  const terminals = { out: openTerminal(stdout, env), log: openTerminal(stderr, env) };
  const self = resolve(import.meta.dirname, '../../../bin/openclaw-rl');
  const program = findProgram(process.argv[1] ?? self, { folder: folderAtStart(), path: env.PATH });
  const log = (text: string) => {
    stderr.write(fitted(asCalled(text, program), terminals.log?.size().columns));
  };
  let logTo: (text: string) => void = log;
  return {
    env,
    self: [process.execPath, self],
    commandLine: process.argv.slice(2),
    get cwd() {
      return currentFolder();
    },
    get stdin() {
      return process.stdin;
    },
    out: (text) => stdout.write(text),
    log: (text) => logTo(text),
    ask: askInTerminal(interrupt.signal),
    answer: answerTo(env),
    get look() {
      return { colour: terminals.out?.colour === true, columns: terminals.out?.size().columns, program };
    },
    terminals,
    divertLog(take) {
      logTo = take;
      return () => {
        logTo = log;
      };
    },
    onExit(callBack) {
      process.on('exit', callBack);
      return () => void process.off('exit', callBack);
    },
    onUncaught(callBack) {
      process.prependListener('uncaughtException', callBack);
      return () => void process.off('uncaughtException', callBack);
    },
    ...{ onSuspend, exitAtEnd },
    interrupt: interrupt.signal,
    interruptCode: () => code,
    async interrupted() {
      if (!interrupt.signal.aborted) await once(interrupt.signal, 'abort');
    },
    exit: (exitCode) => process.exit(exitCode),
    setExitCode: (exitCode) => {
      process.exitCode = exitCode;
    },
  };
}

/** Removes the descriptor from the environment: in a child of a plug-in that number means another file. */
function answerTo(env: NodeJS.ProcessEnv): Environment['answer'] {
  const { [ANSWER_FD]: descriptor } = env;
  delete env[ANSWER_FD];
  if (descriptor === undefined) return undefined;
  return (answer) => void writeSync(Number(descriptor), `${JSON.stringify(answer)}\n`);
}

/** Outside a stop the default action of SIGTSTP stays in place, which the system skips for orphaned processes. */
function onSuspend({ suspend, resume }: { suspend(): void; resume(): void }): () => void {
  const stop = () => {
    suspend();
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
  };
  const wake = () => {
    process.off('SIGTSTP', stop); // SIGCONT can arrive without a stop
    process.on('SIGTSTP', stop);
    resume();
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', wake);
  return () => {
    process.off('SIGTSTP', stop);
    process.off('SIGCONT', wake);
  };
}

/** The current folder, or / if it is gone: commands that need it report that. */
function folderAtStart(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw environmentFailed('the current folder is gone', 'cd to one that exists', error);
  }
}
