import type { Time } from '../core/time.ts';
import type { Limiter } from '../limiter/limiter.ts';

/** Shorter than a load waits for its last replies. */
const UNANSWERED_MS = 2_000;
const LOOK_MS = 500;

/** Logs how many takes of a limiter are open for longer than 2 s, whenever that number changes. Closing it ends that. */
export function logUnanswered(limiter: Limiter, time: Time, log: (text: string) => void): Limiter {
  /** The time of each open take, the oldest first. */
  const open = new Map<object, number>();
  let logged = 0;
  const look = () => {
    let late = 0;
    for (const sinceUs of open.values()) {
      if (time.nowUs() - sinceUs < UNANSWERED_MS * 1_000) break;
      late++;
    }
    if (late !== logged) log(`not answered for ${UNANSWERED_MS / 1_000} s: ${late} takes\n`);
    logged = late;
  };
  const timer = time.every(LOOK_MS, look);
  return {
    ...limiter,
    async take(...asked) {
      const key = {};
      open.set(key, time.nowUs());
      try {
        return await limiter.take(...asked);
      } finally {
        open.delete(key);
      }
    },
    close() {
      timer.cancel();
      return limiter.close();
    },
  };
}
