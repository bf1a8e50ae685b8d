import { readFileSync, readlinkSync } from 'node:fs';
import { given } from '../../core/given.ts';
import type { Owner } from '../store/cluster-state.ts';

/** This program as the owner of its processes and containers. */
export function thisProgram(): Owner {
  const startedAt = startTicks(process.pid) ?? '';
  return { pid: process.pid, startedAt, ...given({ pidNamespace: pidNamespaceOf('self') }) };
}

/** The pid namespace of the machine itself, which has the same number on every Linux. */
const MACHINE = '4026531836';

/** The name of the cluster of this program's run. Containers may share a state folder, and their pids are alike. */
export function runName(): string {
  const { pid, pidNamespace = MACHINE } = thisProgram();
  return pidNamespace === MACHINE ? `run-${pid}` : `run-${pid}-${pidNamespace}`;
}

/**
 * Whether the owner still runs: the same pid with the same start time. `elsewhere`: it is of another pid namespace, so
 * its pid means another process here, or none. Without /proc there is no start time, and the pid alone counts.
 */
export function fateOf({ pid, startedAt, pidNamespace }: Owner): 'runs' | 'ended' | 'elsewhere' {
  if (isElsewhere(pidNamespace)) return 'elsewhere';
  if (startedAt === '') return hasProcess(pid) ? 'runs' : 'ended';
  return startTicks(pid) === startedAt ? 'runs' : 'ended';
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Those that run, or may run elsewhere, without this program. */
export function othersAlive(programs: readonly Owner[]): Owner[] {
  const own = ownerText(thisProgram());
  return programs.filter((program) => fateOf(program) !== 'ended' && ownerText(program) !== own);
}

/** Whether this pid namespace is another than ours. One that is not known is ours. */
export function isElsewhere(pidNamespace: string | undefined): boolean {
  return pidNamespace !== undefined && pidNamespace !== pidNamespaceOf('self');
}

/** The number of the pid namespace of a process; undefined if it cannot be read. */
export function pidNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0];
  } catch {
    return undefined;
  }
}

/** An owner as one word, `pid:startedAt:pidNamespace`, for labels and marks. */
export function ownerText({ pid, startedAt, pidNamespace = '' }: Owner): string {
  return `${pid}:${startedAt}:${pidNamespace}`;
}

/** Reads `ownerText`, also of older versions, which had no namespace; undefined for any other text. */
export function parseOwner(text: string): Owner | undefined {
  const [, pid, startedAt, pidNamespace] = /^(\d+):(\d*)(?::(\d*))?$/.exec(text) ?? [];
  if (pid === undefined || startedAt === undefined) return undefined;
  return { pid: Number(pid), startedAt, ...(pidNamespace && { pidNamespace }) };
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. The name before it may hold spaces and parentheses. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
