import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/**
 * The id of the machine's monotonic clock: processes with the same id read the same clock. It is made of the boot and the time namespace;
 * where these are unknown, it is a random one of this process.
 */
export function machineId(): string {
  return made;
}

const made = makeId();

function makeId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const { ino } = statSync('/proc/self/ns/time');
    return createHash('sha256').update(`${boot} ${ino}`).digest('hex').slice(0, 12);
  } catch {
    return randomBytes(6).toString('hex');
  }
}
