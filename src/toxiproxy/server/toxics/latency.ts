import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

/** At 100 ms one way this still lets 40 MB/s through. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Delays all data by `latency` + a whole number drawn from [-jitter, jitter), in milliseconds since it was
 * received. The end is not delayed itself but goes behind the data.
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
      push: (data, atMs) => queue.add(data, atMs, atMs + latency + drawMs()),
      end: (atMs) => queue.end(atMs, atMs),
    });
  },
};
