import { parentPort, workerData } from 'node:worker_threads';
import type { Environment } from '../process/environment.ts';
import { runTyped } from '../program.ts';
import type { FromCommand, ThreadData } from './run-command.ts';

/** Runs a command in its own thread; its output and exit code go to the main thread. */
const { env, self, commandLine, look } = workerData as ThreadData;
const tell = (message: FromCommand) => parentPort?.postMessage(message);
const interrupt = new AbortController();
let code = 130;

const environment: Environment = {
  ...{ env, self, commandLine, look },
  cwd: process.cwd(),
  get stdin() {
    return process.stdin;
  },
  out: (text) => tell({ type: 'out', text }),
  log: (text) => tell({ type: 'log', text }),
  terminals: {},
  divertLog: () => () => {},
  onExit: () => () => {},
  onUncaught: () => () => {},
  onSuspend: () => () => {},
  interrupt: interrupt.signal,
  interruptCode: () => code,
  interrupted: () =>
    new Promise((resolve) => interrupt.signal.addEventListener('abort', () => resolve(), { once: true })),
  setExitCode: (exitCode) => tell({ type: 'exit code', code: exitCode }),
  exit: (exitCode) => process.exit(exitCode),
};

parentPort?.once('message', (interruptCode: number) => {
  code = interruptCode;
  interrupt.abort();
});
parentPort?.unref();
await runTyped(environment);
process.stdin.destroy();
