import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { environmentFailed, type OpenclawError } from '../../core/errors.ts';
import { waitFor } from '../waiting.ts';
import { isElsewhere, pidNamespaceOf } from './owner.ts';

/**
 * A process that outlives the program that started it. A mark in its environment identifies it, from any shell and
 * after a SIGKILL at any moment, since the mark exists from its first instruction. A pid file could be missing, or name
 * an unrelated process.
 */
export interface OwnedProcess extends Mark {
  readonly pid: number;
}

interface Mark {
  /** The folder of the cluster. */
  readonly cluster: string;
  /** The start id, since names of clusters are reused. Empty in the mark of an older version. */
  readonly startId: string;
  /** A node's name, `toxiproxy`, `compose`, or `service of <owner>`. */
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
  /** Added to the environment of this program. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a process in its own session; it does not end with this program. The returned signal aborts with
 * ENVIRONMENT_FAILED when the process ends.
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
  const abort = () => ended.abort(describeEnd(role, logFile));
  child.on('error', abort);
  child.on('exit', abort);
  child.unref();
  return ended.signal;
}

/** The environment variables that mark a process. */
export function markOf({ cluster, startId, role }: Mark): Record<string, string> {
  return { [CLUSTER_MARK]: cluster, [START_MARK]: startId, [ROLE_MARK]: role };
}

/** The running processes of one start of a cluster. */
export function findOwned(cluster: string, startId: string): OwnedProcess[] {
  return listOwned().filter((found) => found.cluster === cluster && found.startId === startId);
}

/** The running processes of all clusters of this user, in this pid namespace: those of a container are not ours to end. */
export function listOwned(): OwnedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const mark = readMark(Number(name));
      return mark === undefined || isElsewhere(pidNamespaceOf(Number(name)))
        ? []
        : [{ pid: Number(name), ...mark }];
    });
}

const PATIENCE_MS = 3_000;

/**
 * Sends SIGTERM, then SIGKILL after 3 s, and resolves when all processes have ended. It polls `find`, to catch
 * processes that are starting. So `find` must select by start id: by name it would also find those of the next start.
 */
export async function endOwned(find: () => readonly OwnedProcess[]): Promise<void> {
  signalAll(find(), 'SIGCONT', 'SIGTERM');
  const never = new AbortController().signal;
  const left = async () => (find().length === 0 ? undefined : `${find().length} are still running`);
  await waitFor('processes to end', PATIENCE_MS, never, left).catch(async () => {
    signalAll(find(), 'SIGKILL');
    await waitFor('killed processes to end', PATIENCE_MS, never, left);
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
        // it has ended
      }
    }
  }
}

function describeEnd(role: string, logFile: string): OpenclawError {
  return environmentFailed(`${role} exited; its log ${logFile} ends: ${endOfLog(logFile)}`);
}

/** The last three lines, without stack frames. Of a server that crashed: those before its stack trace, with the cause. */
function endOfLog(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    const startAt = text.lastIndexOf(' is starting oO0');
    const crashAt = text.indexOf('------ STACK TRACE ------', startAt); // the first: Valkey may crash again in its report
    return (crashAt < 0 ? text : text.slice(0, crashAt))
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
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
    if (/\) Z /.test(stat)) return undefined; // a zombie
    return markAmong(environment) ?? markAmong(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'env');
  } catch {
    return undefined; // it has ended, or belongs to another user
  }
}

/** Until `env` executes the program, the mark is among its arguments. */
function markAmong(text: string, command?: string): Mark | undefined {
  const words = text.split('\0');
  if (command !== undefined && words[0] !== command) return undefined;
  const value = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const cluster = value(CLUSTER_MARK);
  if (cluster === undefined) return undefined;
  return { cluster, startId: value(START_MARK) ?? '', role: value(ROLE_MARK) ?? '' };
}
