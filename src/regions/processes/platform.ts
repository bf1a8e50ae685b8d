import { readFileSync } from 'node:fs';

/**
 * Why clusters cannot be had here, of processes or of containers; undefined where they can. What was started is found
 * again by /proc, programs exclude each other by abstract sockets, and all of 127.77.0.0/16 has to be local.
 */
export function findPlatformLack(): string | undefined {
  try {
    if (process.platform === 'linux') readFileSync('/proc/self/stat');
    return process.platform === 'linux' ? undefined : `regions need Linux; this is ${process.platform}`;
  } catch {
    return 'regions need /proc, which cannot be read here';
  }
}
