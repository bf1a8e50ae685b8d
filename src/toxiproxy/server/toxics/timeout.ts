import { NOTHING_HELD, type ToxicType } from '../../toxic.ts';

/**
 * Drops all data, and closes the connection after `timeout` milliseconds without data; 0 never closes. The source's end
 * passes at once.
 */
export const timeout: ToxicType<'timeout'> = {
  name: 'timeout',
  goType: 'TimeoutToxic',
  attributes: { timeout: 'int64' },
  start({ attributes: { timeout }, output, startedMs }) {
    const patienceMs = timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
    let dueMs = startedMs + patienceMs;
    return {
      get dueMs() {
        return dueMs;
      },
      heldBytes: 0,
      heldChunks: 0,
      closesOnRemoval: true,
      push(_data, atMs) {
        dueMs = Math.max(startedMs, atMs) + patienceMs;
      },
      end(atMs) {
        dueMs = Number.POSITIVE_INFINITY;
        output.end(atMs);
      },
      wake(nowMs) {
        if (nowMs < dueMs) return;
        output.close(dueMs);
        dueMs = Number.POSITIVE_INFINITY;
      },
      stop: () => NOTHING_HELD,
    };
  },
};
