import { type Held, NOTHING_HELD, type Output, type Stage } from '../toxic.ts';
import type { DelayQueue } from './delay-queue.ts';

/** A stage without held data and without delays. */
export function passing(handlers: Output): Stage {
  return {
    dueMs: Number.POSITIVE_INFINITY,
    heldBytes: 0,
    heldChunks: 0,
    closesOnRemoval: false,
    wake() {},
    stop: () => NOTHING_HELD,
    ...handlers,
  };
}

/** A stage whose only state is a queue. */
export function queueing(queue: DelayQueue, handlers: Output): Stage {
  return {
    get dueMs() {
      return queue.dueMs;
    },
    get heldBytes() {
      return queue.heldBytes;
    },
    get heldChunks() {
      return queue.heldChunks;
    },
    closesOnRemoval: false,
    wake: (nowMs) => queue.wake(nowMs),
    stop: (): Held => queue.stop(),
    ...handlers,
  };
}
