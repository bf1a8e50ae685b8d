const TICK_MS = 20;
/** Without a tick for so long, this program stood still: all of it, since that can have begun at once. */
const STALL_MS = 100;

/** Measures how long this program stands still, alone or with its machine: what it waits for seems to take longer then. */
export class StallMeter {
  #tickedMs = performance.now();
  #stalledMs = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** Milliseconds of all stalls since the start. */
  stalledMs(): number {
    this.#tick();
    return this.#stalledMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#tickedMs;
    if (sinceMs >= STALL_MS) this.#stalledMs += sinceMs;
    this.#tickedMs = nowMs;
  }
}
