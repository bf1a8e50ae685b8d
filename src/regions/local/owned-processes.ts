import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { until } from '../until.ts';

/**
 * Processes that outlive the program that started them, and are found again by a mark in their environment:
 * by another shell, and after a SIGKILL at any moment, since the mark is there from the first instruction.
 * A pid in a file could be gone, missing, or somebody else's by now.
 */
export interface OwnedProcess {
  readonly pid: number;
  readonly role: string;
}

const CLUSTER_MARK = 'OPENCLAW_RL_CLUSTER';
const ROLE_MARK = 'OPENCLAW_RL_ROLE';

export interface OwnedStart {
  readonly command: string;
  readonly args: readonly string[];
  /** The folder of the cluster: the mark. */
  readonly cluster: string;
  /** A node's name, or `toxiproxy`. */
  readonly role: string;
  readonly cwd: string;
  readonly logFile: string;
  /** Added to our environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a process in a session of its own; it does not end with us. Gives whether it has ended already. */
export function startOwned(options: OwnedStart): () => boolean {
  const { command, args, cluster, role, cwd, logFile, env = {} } = options;
  const log = openSync(logFile, 'a');
  const marks = [`${CLUSTER_MARK}=${cluster}`, `${ROLE_MARK}=${role}`];
  const more = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', [...marks, ...more, command, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended = false;
  child.on('error', () => {
    ended = true;
  });
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  return () => ended;
}

/** The processes of a cluster that run now. */
export function findOwned(cluster: string): OwnedProcess[] {
  return listOwned().filter((found) => found.cluster === cluster);
}

/** Every process of every cluster of this user. */
export function listOwned(): (OwnedProcess & { readonly cluster: string })[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const marks = readMarks(Number(name));
      return marks === undefined ? [] : [{ pid: Number(name), ...marks }];
    });
}

const PATIENCE_MS = 3_000;

/** Ends processes: asks, then forces, and resolves when all are gone. */
export async function endOwned(find: () => readonly OwnedProcess[]): Promise<void> {
  signalAll(find(), 'SIGCONT', 'SIGTERM');
  const never = new AbortController().signal;
  const left = async () => (find().length === 0 ? undefined : `${find().length} are left`);
  await until('processes to end', PATIENCE_MS, never, left).catch(async () => {
    signalAll(find(), 'SIGKILL');
    await until('processes to be gone', PATIENCE_MS, never, left);
  });
}

export function signalAll(processes: readonly OwnedProcess[], ...signals: readonly NodeJS.Signals[]): void {
  for (const { pid } of processes) {
    for (const signal of signals) {
      try {
        process.kill(pid, signal);
      } catch {
        // it ended by itself
      }
    }
  }
}

function readMarks(pid: number): { cluster: string; role: string } | undefined {
  try {
    const [stat, environment] = [
      readFileSync(`/proc/${pid}/stat`, 'utf8'),
      readFileSync(`/proc/${pid}/environ`, 'utf8'),
    ];
    if (/\) Z /.test(stat)) return undefined; // dead, and not yet collected by its parent
    return marksAmong(environment) ?? marksAmong(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'env');
  } catch {
    return undefined; // it ended, or is another user's
  }
}

/** Before `env` has become the program it starts, the marks are still its arguments. */
function marksAmong(text: string, command?: string): { cluster: string; role: string } | undefined {
  const words = text.split('\0');
  if (command !== undefined && words[0] !== command) return undefined;
  const value = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const cluster = value(CLUSTER_MARK);
  return cluster === undefined ? undefined : { cluster, role: value(ROLE_MARK) ?? '' };
}
