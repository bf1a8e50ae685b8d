import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Namespaces that live as long as a process of their own does, which ends with the program that started it. */
export interface Namespaces {
  /** Of the process that holds them. */
  readonly pid: number;
  /** The words before a command that make it run in them. */
  readonly enter: readonly string[];
  end(): Promise<void>;
}

/**
 * Holds the namespaces of `flags` (as of unshare), inside those that `within` enters. Nothing of them is on the file
 * system: the kernel removes their devices once the holder has ended, also after this program was killed.
 */
export async function holdNamespaces(
  flags: readonly string[],
  within: readonly string[] = [],
): Promise<Namespaces> {
  const [command = '', ...args] = holderCommand(flags, within);
  const holder = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(holder, 'close');
  const pid = Number(await firstLine(holder));
  return {
    pid,
    enter: enterWords(pid, flags.includes('--time')),
    async end() {
      holder.stdin.end();
      await ended;
    },
  };
}

/** Prints its pid, and ends with its standard input: a pipe, whose other end closes however its writer ends. */
export const holderCommand = (
  flags: readonly string[],
  within: readonly string[] = [],
): readonly string[] => [
  ...within,
  ...['unshare', ...flags, '--fork', '--kill-child'],
  ...['sh', '-c', 'echo $$; exec cat >/dev/null'],
];

/** A command behind them ends with the program that started it: the kernel kills it. */
export function enterWords(pid: number, hasTime = false): readonly string[] {
  const kinds = ['user', 'net', ...(hasTime ? ['time'] : [])]; // no other time than their own can be entered
  const namespaces = kinds.map((kind) => `--${kind}=/proc/${pid}/ns/${kind}`);
  return ['nsenter', '--preserve-credentials', ...namespaces, 'setpriv', '--pdeathsig', 'KILL'];
}

async function firstLine(holder: ChildProcess): Promise<string> {
  let [said, error] = ['', ''];
  holder.stderr?.on('data', (text) => {
    error += text;
  });
  return new Promise((resolve, reject) => {
    holder.stdout?.on('data', (text) => {
      said += text;
      if (said.includes('\n')) resolve(said);
    });
    holder.once('error', reject);
    holder.once('close', () => reject(new Error(`unshare: ${error}`)));
  });
}

/** Runs a command to its end. Throws what it said if it fails. */
export function run([command = '', ...args]: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
