import type { ToxicType } from '../../toxic.ts';
import { passing } from '../stages.ts';

/** Passes exactly `bytes` bytes of a connection, then closes it. With 0 the first data closes it. */
export const limitData: ToxicType<'bytes'> = {
  name: 'limit_data',
  goType: 'LimitDataToxic',
  attributes: { bytes: 'int64' },
  start({ attributes: { bytes }, output, memory: passed }) {
    return passing({
      push(data, atMs, receivedMs) {
        const allowed = data.subarray(0, Math.max(0, bytes - passed.value));
        passed.value += allowed.length;
        if (allowed.length > 0) output.push(allowed, atMs, receivedMs);
        if (passed.value >= bytes) output.close(atMs);
      },
      end: (atMs) => output.end(atMs),
    });
  },
};
