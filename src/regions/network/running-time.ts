/** Between two looks at the clock. */
const TICK_MS = 20;
/** What a look comes later than this is a stall: on a machine that is merely busy it comes sooner. */
const STALL_MS = 100;

/**
 * Counts the milliseconds in which this program ran. While it stands still, with its machine or alone, a reply that came
 * in time is not read: what it would seem to take says nothing of the network.
 */
export class RunningTime {
  #stalledMs = 0;
  #lookedMs = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** Calls `onEnd` after so many milliseconds, unless it is stopped before. */
  constructor(withinMs: number, onEnd: () => void) {
    const untilMs = this.now() + withinMs;
    this.#timer = setInterval(() => {
      if (this.now() < untilMs) return;
      this.stop();
      setImmediate(onEnd); // a reply that is there already is read before
    }, TICK_MS);
  }

  /** Milliseconds on the monotonic clock without the stalls since the start. */
  now(): number {
    const nowMs = performance.now();
    this.#stalledMs += Math.max(0, nowMs - this.#lookedMs - STALL_MS);
    this.#lookedMs = nowMs;
    return nowMs - this.#stalledMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
