import type { Time, Timer } from '../core/time.ts';

/**
 * Awaits `awaited`; if it has not settled after `ms` milliseconds, returns or throws the result of `late`. The default
 * timer keeps the program running.
 */
export async function withTimeout<T>(
  ms: number,
  awaited: Promise<T>,
  late: () => T,
  time: Pick<Time, 'after'> = keeping,
): Promise<T> {
  let timer: Timer | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = time.after(Math.max(1, ms), resolve);
  });
  try {
    return await Promise.race([awaited, timeout.then(late)]);
  } finally {
    timer?.cancel();
  }
}

const keeping: Pick<Time, 'after'> = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
