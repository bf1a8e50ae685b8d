import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { OpenclawError } from '../core/errors.ts';
import { type Terminal, terminalOf } from './terminal.ts';

/** The process globals that commands use, gathered in one object; nothing below `cli/` touches them. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start this program again. */
  readonly self: readonly [command: string, ...args: string[]];
  /** What was typed after the program's name. */
  readonly commandLine: readonly string[];
  readonly cwd: string;
  /** Standard input: a pipe, a file, a terminal, or the socket that another program gave us. */
  readonly stdin: Readable;
  /** Results. */
  out(text: string): void;
  /** Progress and logs. */
  log(text: string): void;
  readonly colourOut: boolean;
  /** Where results go, and where progress goes, if that is a terminal that can be redrawn. */
  readonly terminals: { readonly out?: Terminal | undefined; readonly log?: Terminal | undefined };
  /** Hands what is logged to `take` until the function it gives is called. */
  divertLog(take: (text: string) => void): () => void;
  /** Calls back at the very end, however it comes, until the function it gives is called. */
  onExit(callBack: (code: number) => void): () => void;
  /** Calls back with an error that nothing caught, the last that asked for it first, until the function it gives is called. */
  onUncaught(callBack: (error: unknown) => void): () => void;
  /** Calls back around a stop by Ctrl-Z, until the function it gives is called. */
  onSuspend(callBacks: { suspend(): void; resume(): void }): () => void;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, and once results cannot be written; a second one, half a second later or more, leaves at once. */
  readonly interrupt: AbortSignal;
  /** 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, 69 where results cannot be written, once it has aborted. */
  interruptCode(): number;
  /** Resolves when `interrupt` aborts. */
  interrupted(): Promise<void>;
  setExitCode(code: number): void;
  /** Leaves at once: for bugs, and where code of somebody else's could stay on. */
  exit(code: number): never;
}

/** `timeout` sends each signal twice, to the program and to its group; a terminal's Ctrl-C may come by two ways, too. */
const SAME_SIGNAL_MS = 500;

/** The result could not be written where it belongs: never a pass. */
const NOT_HANDED_OVER = 69;

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
  stderr.on('error', () => {}); // whoever closed it did not want to be told
  stdout.on('error', () => {
    process.exitCode = NOT_HANDED_OVER;
    if (!interrupt.signal.aborted) code = NOT_HANDED_OVER;
    interrupt.abort();
  });
  const terminals = { out: terminalOf(stdout, env), log: terminalOf(stderr, env) };
  const log = (text: string) => void stderr.write(text);
  let logTo: (text: string) => void = log;
  return {
    env,
    self: [process.execPath, resolve(import.meta.dirname, '../../bin/openclaw-rl')],
    commandLine: process.argv.slice(2),
    get cwd() {
      return currentFolder();
    },
    get stdin() {
      return process.stdin;
    },
    out: (text) => stdout.write(text),
    log: (text) => logTo(text),
    colourOut: terminals.out?.colour === true,
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
    onSuspend,
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

/** Without a listener SIGTSTP does what it does by default, which alone is right where nobody could wake us again. */
function onSuspend({ suspend, resume }: { suspend(): void; resume(): void }): () => void {
  const stop = () => {
    suspend();
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
  };
  const wake = () => {
    process.off('SIGTSTP', stop); // a SIGCONT comes also where nothing was stopped
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

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new OpenclawError('ENVIRONMENT_FAILED', 'the current folder is gone', {
      cause: error,
      hint: 'cd to one that exists',
    });
  }
}
