const TICK_MS = 50;
/** A tick this long after the one before is a stall. On a machine that is merely busy it comes sooner. */
const STALL_MS = 100;

/**
 * A time limit that a stall of this program, or of its machine, does not use up. An answer may have arrived meanwhile,
 * and is read before the limit ends.
 */
export class RunningTimer {
  readonly #startedMs = performance.now();
  #tickedMs = this.#startedMs;
  #stalledMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #read: NodeJS.Immediate | undefined;

  /** Calls `onEnd` after `withinMs` without stalls, unless it is stopped before. */
  constructor(withinMs: number, onEnd: () => void) {
    const wait = () => {
      const leftMs = withinMs - (this.#tickedMs - this.#startedMs - this.#stalledMs);
      if (leftMs <= 0) return onEnd();
      this.#timer = setTimeout(
        () => {
          this.#tick();
          this.#read = setImmediate(wait);
        },
        Math.min(TICK_MS, leftMs),
      );
    };
    wait();
  }

  /** Milliseconds of all stalls since the start. */
  stalledMs(): number {
    this.#tick();
    return this.#stalledMs;
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#read);
  }

  #tick(): void {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#tickedMs;
    if (sinceMs >= STALL_MS) this.#stalledMs += sinceMs - TICK_MS;
    this.#tickedMs = nowMs;
  }
}
