import { readFileSync } from 'node:fs';
import type { Owner } from '../cluster-state.ts';

/** This program, as an owner of what it starts. */
export function thisProgram(): Owner {
  return { pid: process.pid, startedAt: startTicks(process.pid) ?? '' };
}

/** Whether the program that owns something still runs: the same pid, started at the same moment. */
export function isAlive({ pid, startedAt }: Owner): boolean {
  return startTicks(pid) === startedAt;
}

/** An owner in one word, for a label or a mark. */
export function ownerText({ pid, startedAt }: Owner): string {
  return `${pid}:${startedAt}`;
}

/** Undefined for what is not such a word. */
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
