import type { Time, Timer } from '../core/time.ts';
import { systemTime } from './system-surroundings.ts';

/**
 * Awaits `awaited`; if it has not settled after `ms` milliseconds, returns or throws the result of `late`. The program
 * keeps running until then.
 */
export async function withTimeout<T>(
  ms: number,
  awaited: Promise<T>,
  late: () => T,
  time: Pick<Time, 'after'> = systemTime,
): Promise<T> {
  let timer: Timer | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = time.after(Math.max(1, ms), resolve, { keepsRunning: true });
  });
  try {
    return await Promise.race([awaited, timeout.then(late)]);
  } finally {
    timer?.cancel();
  }
}
