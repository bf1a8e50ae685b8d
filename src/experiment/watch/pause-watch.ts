const LOOK_MS = 500;
const PAUSE_MS = 3_000;

/**
 * Calls `onPause` with milliseconds when this program did not run for three seconds or more: it was stopped (Ctrl-Z), or
 * the machine slept. Latencies of that time include the pause.
 */
export function watchPauses(onPause: (ms: number) => void): { stop(): void } {
  let lookedMs = performance.now();
  const look = () => {
    const nowMs = performance.now();
    const lateMs = nowMs - lookedMs - LOOK_MS;
    lookedMs = nowMs;
    if (lateMs >= PAUSE_MS) onPause(lateMs);
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
    },
  };
}
