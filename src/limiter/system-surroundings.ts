import { randomInt, randomUUID } from 'node:crypto';
import type { Surroundings, Time } from '../core/time.ts';

/** The clocks and timers of this process, looked up at each call: a test may fake them. */
export const systemTime: Time = {
  nowUs: () => performance.now() * 1_000,
  dateMs: () => Date.now(),
  after(ms, call, { keepsRunning = false } = {}) {
    const timer = setTimeout(call, ms);
    if (!keepsRunning) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, call) {
    const timer = setInterval(call, ms).unref();
    return { cancel: () => clearInterval(timer) };
  },
  soon: (call) => void setImmediate(call),
};

/** Those of this process. `randomUpTo` gives at most 2^48 - 1. */
export const systemSurroundings: Surroundings = {
  time: systemTime,
  randomUpTo: (most) => randomInt(1, most + 1),
  randomId: () => randomUUID(),
};
