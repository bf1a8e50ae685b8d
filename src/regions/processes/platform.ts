import { readFileSync } from 'node:fs';

/** Why regions as local processes cannot be had here; undefined where they can. */
export function findPlatformLack(): string | undefined {
  try {
    readFileSync('/proc/self/stat');
    return undefined;
  } catch {
    return 'local regions need Linux: elsewhere 127.77.0.0/16 is not all local';
  }
}
