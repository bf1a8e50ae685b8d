import { type Alarm, AlarmHeap } from '../../src/toxiproxy/server/alarm-heap.ts';
import type { Clock } from '../../src/toxiproxy/server/clock.ts';

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  readonly #alarms = new AlarmHeap();
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  set(alarm: Alarm, dueMs: number): void {
    this.#alarms.set(alarm, dueMs);
  }

  clear(alarm: Alarm): void {
    this.#alarms.remove(alarm);
  }

  /** Goes on to a moment, and rings on the way what is due, each at its own time. */
  goTo(nowMs: number): void {
    for (let first = this.#alarms.first; first !== undefined && first.dueMs <= nowMs; ) {
      this.#nowMs = Math.max(this.#nowMs, first.dueMs);
      this.#alarms.remove(first);
      first.ring(this.#nowMs);
      first = this.#alarms.first;
    }
    this.#nowMs = nowMs;
  }
}
