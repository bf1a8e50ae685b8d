import { NOTHING_HELD, type ToxicType } from '../../toxic.ts';

/**
 * Waits for the first data or the end, then `timeout` milliseconds, then closes: with RST if the connection was opened
 * while this toxic existed (see `resets`), else with FIN. No data passes.
 */
export const resetPeer: ToxicType<'timeout'> = {
  name: 'reset_peer',
  goType: 'ResetToxic',
  attributes: { timeout: 'int64' },
  resets: true,
  start({ attributes: { timeout }, output, memory, startedMs }) {
    let dueMs = Number.POSITIVE_INFINITY;
    const trigger = (atMs: number) => {
      if (dueMs !== Number.POSITIVE_INFINITY) return;
      memory.value = 1;
      dueMs = Math.max(atMs, startedMs) + timeout;
    };
    if (memory.value === 1) trigger(startedMs); // updated while it waited: the first data is dropped already
    return {
      get dueMs() {
        return dueMs;
      },
      heldBytes: 0,
      heldChunks: 0,
      get closesOnRemoval() {
        return memory.value === 1;
      },
      push: (_data, atMs) => trigger(atMs),
      end: trigger,
      wake(nowMs) {
        if (nowMs >= dueMs) output.close(dueMs);
      },
      stop: () => NOTHING_HELD,
    };
  },
};
