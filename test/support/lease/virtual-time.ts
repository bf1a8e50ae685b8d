/** A clock that only moves when the next event is due, and a queue of them. Milliseconds. */
export class VirtualTime {
  nowMs = 1_000;
  #events: { readonly atMs: number; readonly act: () => void }[] = [];
  readonly #real = { now: performance.now, setTimeout, clearTimeout, setInterval, clearInterval };

  at(atMs: number, act: () => void): void {
    // A binary search for the place, after those of the same time.
    let low = 0;
    for (let high = this.#events.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { atMs, act });
  }

  /** Replaces the clock and the timers of this thread until `restore`. */
  install(): void {
    performance.now = () => this.nowMs;
    const timer = (act: () => void, ms: number, isRepeated: boolean) => {
      const handle = { isOver: false, unref: () => handle };
      const run = () => {
        if (handle.isOver) return;
        act();
        if (isRepeated) this.at(this.nowMs + ms, run);
      };
      this.at(this.nowMs + ms, run);
      return handle;
    };
    const end = (handle: { isOver: boolean } | undefined) => {
      if (handle !== undefined) handle.isOver = true;
    };
    Object.assign(globalThis, {
      setTimeout: (act: () => void, ms: number) => timer(act, ms, false),
      setInterval: (act: () => void, ms: number) => timer(act, ms, true),
      clearTimeout: end,
      clearInterval: end,
    });
  }

  restore(): void {
    const { now, ...timers } = this.#real;
    performance.now = now;
    Object.assign(globalThis, timers);
  }

  /** Runs all events until a time. Promises settle before time goes on. */
  async runUntil(endMs: number): Promise<void> {
    for (
      let next = this.#events.at(-1);
      next !== undefined && next.atMs <= endMs;
      next = this.#events.at(-1)
    ) {
      if (next.atMs > this.nowMs) await new Promise((resolve) => setImmediate(resolve));
      if (this.#events.at(-1) !== next) continue;
      this.#events.pop();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
