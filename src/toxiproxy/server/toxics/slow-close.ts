import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

/** Holds back the end for `delay` milliseconds; data goes through at once. */
export const slowClose: ToxicType<'delay'> = {
  name: 'slow_close',
  goType: 'SlowCloseToxic',
  attributes: { delay: 'int64' },
  start({ attributes: { delay }, output, startedMs }) {
    const queue = new DelayQueue(output);
    return queueing(queue, {
      push: (data, atMs) => output.push(data, atMs),
      end: (atMs) => queue.end(atMs, Math.max(atMs, startedMs) + delay),
    });
  },
};
