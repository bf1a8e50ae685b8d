import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { OpenclawError } from '../../core/errors.ts';
import { until } from '../until.ts';

/**
 * Processes that outlive the program that started them, and are found again by a mark in their environment:
 * by another shell, and after a SIGKILL at any moment, since the mark is there from the first instruction.
 * A pid in a file could be gone, missing, or somebody else's by now.
 */
export interface OwnedProcess extends Mark {
  readonly pid: number;
}

interface Mark {
  /** The folder of the cluster. */
  readonly cluster: string;
  /** Which start of it: a name is used again. Empty in the mark of an older program. */
  readonly startId: string;
  /** A node's name, `toxiproxy`, `compose`, or whose service it starts in a container. */
  readonly role: string;
}

const CLUSTER_MARK = 'OPENCLAW_RL_CLUSTER';
const START_MARK = 'OPENCLAW_RL_START';
const ROLE_MARK = 'OPENCLAW_RL_ROLE';

export interface OwnedStart extends Mark {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** Added to our environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a process in a session of its own; it does not end with us. The signal aborts when it has ended, with an
 * ENVIRONMENT_FAILED that says so.
 */
export function startOwned(options: OwnedStart): AbortSignal {
  const { command, args, cluster, startId, role, cwd, logFile, env = {} } = options;
  const log = openSync(logFile, 'a');
  const settings = Object.entries({ ...markOf({ cluster, startId, role }), ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const child = spawn('env', [...settings, command, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new AbortController();
  const tell = () => ended.abort(describeEnd(role, logFile));
  child.on('error', tell);
  child.on('exit', tell);
  child.unref();
  return ended.signal;
}

/** What the environment of a process must hold to be found. */
export function markOf({ cluster, startId, role }: Mark): Record<string, string> {
  return { [CLUSTER_MARK]: cluster, [START_MARK]: startId, [ROLE_MARK]: role };
}

/** The processes of a cluster that run now: of one start of it. */
export function findOwned(cluster: string, startId: string): OwnedProcess[] {
  return listOwned().filter((found) => found.cluster === cluster && found.startId === startId);
}

/** Every process of every cluster of this user. */
export function listOwned(): OwnedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const mark = readMark(Number(name));
      return mark === undefined ? [] : [{ pid: Number(name), ...mark }];
    });
}

const PATIENCE_MS = 3_000;

/**
 * Ends processes: asks, then forces, and resolves when all are gone. It looks again and again, to miss none that
 * is being started, so `find` must go by the ids of starts: by a name it would find those of the next.
 */
export async function endOwned(find: () => readonly OwnedProcess[]): Promise<void> {
  signalAll(find(), 'SIGCONT', 'SIGTERM');
  const never = new AbortController().signal;
  const left = async () => (find().length === 0 ? undefined : `${find().length} are left`);
  await until('processes to end', PATIENCE_MS, never, left).catch(async () => {
    signalAll(find(), 'SIGKILL');
    await until('processes to be gone', PATIENCE_MS, never, left);
  });
}

export function signalAll(
  processes: readonly Pick<OwnedProcess, 'pid'>[],
  ...signals: readonly NodeJS.Signals[]
): void {
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

function describeEnd(role: string, logFile: string): OpenclawError {
  return new OpenclawError(
    'ENVIRONMENT_FAILED',
    `${role} has ended; its log ${logFile} ends: ${lastLines(logFile)}`,
  );
}

/** Without the lines of a stack, which would leave no room for what went wrong. */
function lastLines(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines
      .filter((line) => !/^\s+at /.test(line))
      .slice(-3)
      .join(' | ');
  } catch {
    return '';
  }
}

function readMark(pid: number): Mark | undefined {
  try {
    const [stat, environment] = [
      readFileSync(`/proc/${pid}/stat`, 'utf8'),
      readFileSync(`/proc/${pid}/environ`, 'utf8'),
    ];
    if (/\) Z /.test(stat)) return undefined; // dead, and not yet collected by its parent
    return markAmong(environment) ?? markAmong(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'env');
  } catch {
    return undefined; // it ended, or is another user's
  }
}

/** Before `env` has become the program it starts, the mark is still among its arguments. */
function markAmong(text: string, command?: string): Mark | undefined {
  const words = text.split('\0');
  if (command !== undefined && words[0] !== command) return undefined;
  const value = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const cluster = value(CLUSTER_MARK);
  if (cluster === undefined) return undefined;
  return { cluster, startId: value(START_MARK) ?? '', role: value(ROLE_MARK) ?? '' };
}
