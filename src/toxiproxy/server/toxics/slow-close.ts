import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

/** Delays the end by `delay` milliseconds; data passes at once. */
export const slowClose: ToxicType<'delay'> = {
  name: 'slow_close',
  goType: 'SlowCloseToxic',
  attributes: { delay: 'int64' },
  start({ attributes: { delay }, output, startedMs }) {
    const queue = new DelayQueue(output);
    return queueing(queue, {
      push: (data, atMs, receivedMs) => output.push(data, atMs, receivedMs),
      end: (atMs) => queue.end(Math.max(atMs, startedMs) + delay),
    });
  },
};
