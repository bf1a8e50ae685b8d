import type { ToxicType } from '../../toxic.ts';
import { DelayQueue } from '../delay-queue.ts';
import { queueing } from '../stages.ts';

/** Data that takes longer than this is sent in pieces of this duration. */
const SLICE_MS = 100;

/** Passes `rate` KB/s, with KB = 1,000 bytes, which is `rate` bytes per millisecond. A rate of 0 stalls. */
export const bandwidth: ToxicType<'rate'> = {
  name: 'bandwidth',
  goType: 'BandwidthToxic',
  attributes: { rate: 'int64' },
  start({ attributes: { rate }, output, startedMs }) {
    const queue = new DelayQueue(output);
    const sliceBytes = rate === 0 ? Number.POSITIVE_INFINITY : rate * SLICE_MS;
    let freeMs = startedMs;
    return queueing(queue, {
      push(data, atMs, receivedMs) {
        freeMs = Math.max(freeMs, atMs);
        for (let from = 0; from < data.length; from += sliceBytes) {
          const slice = data.subarray(from, Math.min(from + sliceBytes, data.length));
          freeMs += rate === 0 ? Number.POSITIVE_INFINITY : slice.length / rate;
          queue.add(slice, freeMs, receivedMs);
        }
      },
      end: (atMs) => queue.end(atMs),
    });
  },
};
