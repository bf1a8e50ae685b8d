import { readFileSync } from 'node:fs';

/**
 * Why no cluster can run here; undefined if one can. Clusters need /proc to find their processes, abstract sockets as
 * locks, and 127.77.0.0/16 as local addresses.
 */
export function findPlatformLack(): string | undefined {
  try {
    if (process.platform === 'linux') readFileSync('/proc/self/stat');
    return process.platform === 'linux' ? undefined : `regions need Linux; this is ${process.platform}`;
  } catch {
    return 'regions need /proc; it cannot be read here';
  }
}
