import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/**
 * The id of the machine's monotonic clock: processes with the same id read the same clock. It is made of the boot, the time
 * namespace and the name that a scheduler gives the machine, if it gives one: two machines of a test may share a kernel.
 * Where these are unknown, it is a random one of this process.
 */
export function machineId(name = ''): string {
  if (clock === undefined) return unknown;
  const text = name === '' ? clock : `${clock} ${name}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

const unknown = randomBytes(6).toString('hex');
const clock = readClock();

function readClock(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const { ino } = statSync('/proc/self/ns/time');
    return `${boot} ${ino}`;
  } catch {
    return undefined;
  }
}
