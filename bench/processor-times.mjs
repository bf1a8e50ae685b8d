// Processor times of the programs of a benchmark, from /proc on Linux.
import { readdirSync, readFileSync } from 'node:fs';

const MS_PER_TICK = 10; // on every Linux that Node.js runs on

/**
 * `{ pid, role, ms }` for each process with this folder in its environment whose command has a role. `roles` are patterns
 * of command lines, by name.
 */
export function processorTimes(folder, roles) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      const role = Object.keys(roles).find((name) => roles[name].test(command));
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
      const ms = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
      return role === undefined ? [] : [{ pid, role, ms }];
    } catch {
      return []; // it has ended
    }
  });
}

/** `{ allMs, idleMs }` of all processors since the machine started. */
export function machineTimes() {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/ +/).map(Number);
  const all = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { allMs: all * MS_PER_TICK, idleMs: (ticks[3] + ticks[4]) * MS_PER_TICK };
}
