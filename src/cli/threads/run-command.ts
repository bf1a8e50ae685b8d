import { type Stats, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { Look } from '../../report/fit-lines.ts';
import type { Environment } from '../process/environment.ts';

/** The part of the process that a command reads. */
export interface ThreadData {
  readonly env: Environment['env'];
  readonly self: Environment['self'];
  readonly commandLine: readonly string[];
  readonly look: Look;
}

/** A message of a command to the main thread. */
export type FromCommand =
  | { readonly type: 'out' | 'log'; readonly text: string }
  | { readonly type: 'exit code'; readonly code: number };

/** Reading and judging this much takes a fraction of a second. */
const SHORT_BYTES = 4 * 2 ** 20;

/** Largest compression ratio of a history. */
const UNPACKED = 30;

/** Time after a signal to remove a file that is being written. */
const ORDERLY_MS = 300;

/**
 * Runs a command. Long computations run in their own thread, since signals are handled only while the main thread is
 * idle. Short histories are judged without one: starting a thread takes longer. Rejects with uncaught errors of the
 * command.
 */
export async function runCommand(environment: Environment): Promise<void> {
  const [command, ...args] = environment.commandLine;
  if (command === 'check' && args.includes('-')) return runOnInput(environment);
  const readsHistory = args.some((arg) => /^--(html|open|otlp)/.test(arg));
  const isLong =
    (command === 'check' && args.reduce((sum, arg) => sum + bytesOf(arg), 0) > SHORT_BYTES) ||
    ((command === 'report' || command === 'compare') && readsHistory);
  if (isLong) return runInThread(environment);
  const { runTyped } = await import('../program.ts');
  return runTyped(environment);
}

function bytesOf(file: string): number {
  const found = lookAt(file);
  if (found === undefined) return 0;
  if (!found.isFile()) return SHORT_BYTES + 1; // a pipe does not say how much will come
  return found.size * (file.endsWith('.gz') ? UNPACKED : 1);
}

/** Undefined for an option and for a file without access: the command reports why. */
function lookAt(file: string): Stats | undefined {
  try {
    return file.startsWith('--') ? undefined : statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Reads the beginning of standard input, to learn whether it is short. */
async function runOnInput(environment: Environment): Promise<void> {
  const chunks: Buffer[] = [];
  const input = environment.stdin.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const interrupted = environment.interrupted().then(() => leave(environment));
  let bytes = 0;
  let failure: unknown;
  while (bytes <= SHORT_BYTES && chunks[0]?.[0] !== GZIP) {
    const next = await Promise.race([input.next(), interrupted]).catch((error: unknown) => {
      failure = error;
      return { done: true } as const;
    });
    if (next.done === true) break;
    chunks.push(next.value);
    bytes += next.value.length;
  }
  const isLong = bytes > SHORT_BYTES || chunks[0]?.[0] === GZIP;
  const whole = async function* () {
    yield* chunks;
    if (failure !== undefined) throw failure;
    if (isLong) yield* input;
  };
  const stdin = Readable.from(whole(), { objectMode: false });
  const withInput: Environment = Object.create(environment, { stdin: { value: stdin } });
  if (isLong) return runInThread(withInput, stdin);
  const { runTyped } = await import('../program.ts');
  return runTyped(withInput);
}

const GZIP = 0x1f;

async function runInThread(environment: Environment, stdin?: Readable): Promise<void> {
  const { env, self, commandLine, look, interrupt } = environment;
  const workerData: ThreadData = { env: { ...env }, self, commandLine, look };
  const worker = new Worker(new URL('./command-thread.js', import.meta.url), {
    workerData,
    stdin: stdin !== undefined,
  });
  worker.on('message', (message: FromCommand) => {
    if (message.type === 'exit code') environment.setExitCode(message.code);
    else if (message.type === 'out') environment.out(message.text);
    else environment.log(message.text);
  });
  if (stdin !== undefined && worker.stdin !== null) stdin.pipe(worker.stdin);
  interrupt.addEventListener('abort', () => {
    worker.postMessage(environment.interruptCode());
    setTimeout(() => leave(environment), ORDERLY_MS);
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  if (interrupt.aborted) environment.exit(environment.interruptCode());
}

function leave(environment: Environment): never {
  if (environment.interruptCode() > 128) environment.log('interrupted\n'); // by a signal
  return environment.exit(environment.interruptCode());
}
