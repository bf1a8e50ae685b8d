import type { Time } from '../core/time.ts';

/** The timers that a load needs. */
export type Timers = Pick<Time, 'after' | 'every'>;

/** Those of this process. They keep it running until they are cancelled. */
export const timers: Timers = {
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, call) {
    const timer = setInterval(call, ms);
    return { cancel: () => clearInterval(timer) };
  },
};
