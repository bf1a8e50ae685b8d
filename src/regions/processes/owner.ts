import { readFileSync } from 'node:fs';
import type { Owner } from '../store/cluster-state.ts';

/** This program as the owner of its processes and containers. */
export function thisProgram(): Owner {
  return { pid: process.pid, startedAt: startTicks(process.pid) ?? '' };
}

/** Whether the owner is still running: the same pid with the same start time. */
export function isAlive({ pid, startedAt }: Owner): boolean {
  return startTicks(pid) === startedAt;
}

/** Those that still run, without this program. */
export function othersAlive(programs: readonly Owner[]): Owner[] {
  const own = ownerText(thisProgram());
  return programs.filter((program) => isAlive(program) && ownerText(program) !== own);
}

/** An owner as one word, `pid:startedAt`, for labels and marks. */
export function ownerText({ pid, startedAt }: Owner): string {
  return `${pid}:${startedAt}`;
}

/** Reads `ownerText`; undefined for any other text. */
export function parseOwner(text: string): Owner | undefined {
  const [, pid, startedAt] = /^(\d+):(\d*)$/.exec(text) ?? [];
  return pid === undefined || startedAt === undefined ? undefined : { pid: Number(pid), startedAt };
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
