import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
