import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, vi } from 'vitest';

/** The pids of running processes whose command line or working folder mentions `text`. */
export function processesMentioning(text: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const folder = readlinkSync(`/proc/${name}/cwd`);
        return command.includes(text) || folder.includes(text) ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}

/** The pid of a service of a run in this folder. */
export function servicePid(folder: string, role: 'rating' | 'gateway', region: string): number {
  const found = processesMentioning(folder).find(
    ({ command }) => command.includes(` serve ${role} --region ${region}`) && !command.startsWith('/bin/sh'),
  );
  expect(found, `${role} of ${region}`).toBeDefined();
  return found?.pid ?? 0;
}

/** The shells of a service's guard, which share its session: first the one that waits for it. */
export async function guardsOf(pid: number): Promise<[waiting: number, ending: number]> {
  const session = sessionOf(pid) ?? 0;
  const findOther = () =>
    readdirSync('/proc')
      .map(Number)
      .find((other) => other > 0 && ![pid, session].includes(other) && sessionOf(other) === session);
  return [session, await vi.waitUntil(findOther, { timeout: 20_000 })];
}

export function isRunning(pid: number): boolean {
  return sessionOf(pid) !== undefined;
}

/** The session of a process; undefined if it has ended. */
function sessionOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(session);
  } catch {
    return undefined;
  }
}
