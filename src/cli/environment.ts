import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { OpenclawError } from '../core/errors.ts';

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
  /** Whether results go to a terminal that can be redrawn. */
  readonly isScreen: boolean;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP; a second one, half a second later or more, leaves at once. */
  readonly interrupt: AbortSignal;
  /** 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, once one has come. */
  interruptCode(): number;
  /** Resolves when `interrupt` aborts. */
  interrupted(): Promise<void>;
  setExitCode(code: number): void;
  /** Leaves at once: for bugs only. */
  exit(code: number): never;
}

/** `timeout` sends each signal twice, to the program and to its group; a terminal's Ctrl-C may come by two ways, too. */
const SAME_SIGNAL_MS = 500;

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
    process.exitCode = 69; // the result could not be handed over: never a pass
    interrupt.abort();
  });
  const isScreen = stdout.isTTY === true && env.TERM !== 'dumb';
  const colourless = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
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
    log: (text) => stderr.write(text),
    colourOut: isScreen && !colourless,
    isScreen,
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
