import type { Environment } from '../../src/cli/process/environment.ts';

type Written = Pick<Environment, 'out' | 'log' | 'setExitCode'>;

/** What a command that is called in this process finds: no terminal, no signal, and an exit that is an error. */
export function callInProcess(
  written: Written,
): Omit<Environment, 'env' | 'self' | 'commandLine' | 'cwd' | 'stdin'> {
  return {
    ...written,
    look: { colour: false },
    terminals: {},
    divertLog: () => () => {},
    onExit: () => () => {},
    onUncaught: () => () => {},
    onSuspend: () => () => {},
    interrupt: new AbortController().signal,
    interruptCode: () => 130,
    interrupted: () => new Promise(() => {}),
    exit: (code) => {
      throw new Error(`left at once with exit code ${code}`);
    },
  };
}
