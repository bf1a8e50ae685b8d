import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

/** At 100 ms one way this still lets 40 MB/s through. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Delays all data by `latency` plus a random whole number of [-jitter, jitter), in milliseconds since the proxy received
 * it: a wait in an earlier toxic, or behind other data, counts. As in the original, the wait is then added to the time
 * of receipt. The end has no delay of its own, but follows the data.
 */
export const latency: ToxicType<'latency' | 'jitter'> = {
  name: 'latency',
  goType: 'LatencyToxic',
  attributes: { latency: 'int64', jitter: 'int64' },
  bufferBytes: BUFFER_BYTES,
  start({ attributes: { latency, jitter }, output, random }) {
    const queue = new DelayQueue(output);
    const drawMs = () => (jitter > 0 ? Math.floor(random() * 2 * jitter) - jitter : 0);
    return queueing(queue, {
      push(data, atMs, receivedMs) {
        const turnMs = Math.max(atMs, queue.lastDueMs);
        const waitMs = receivedMs + latency + drawMs() - turnMs;
        queue.add(data, turnMs + Math.max(0, waitMs), receivedMs, receivedMs + waitMs);
      },
      end: (atMs) => queue.end(atMs),
    });
  },
};
