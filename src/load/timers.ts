import type { Time, Timer } from '../core/time.ts';

/** The timers that a load needs. */
export interface Timers extends Pick<Time, 'after'> {
  /** Calls every `ms` milliseconds. Each call returns how many of the next it does not need: these may be left out. */
  ticks(ms: number, call: () => number): Timer;
}

/** Those of this process. They keep it running until they are cancelled. */
export const timers: Timers = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  ticks(ms, call) {
    const timer = setInterval(call, ms);
    return { cancel: () => clearInterval(timer) };
  },
};
