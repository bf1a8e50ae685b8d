/** An action at a given time. */
export interface Alarm {
  dueMs: number;
  /** Its index in the heap; -1 while it is not set. */
  position: number;
  readonly ring: (nowMs: number) => void;
}

/** A binary min-heap of alarms. Every alarm stores its index, so that it can be moved or removed. */
export class AlarmHeap {
  readonly #alarms: Alarm[] = [];

  get first(): Alarm | undefined {
    return this.#alarms[0];
  }

  /** Adds an alarm, or moves one that is in the heap. */
  set(alarm: Alarm, dueMs: number): void {
    alarm.dueMs = dueMs;
    if (alarm.position < 0) alarm.position = this.#alarms.push(alarm) - 1;
    this.#settle(alarm);
  }

  remove(alarm: Alarm): void {
    const { position } = alarm;
    if (position < 0) return;
    alarm.position = -1;
    const last = this.#alarms.pop();
    if (last === undefined || last === alarm) return;
    this.#place(last, position);
    this.#settle(last);
  }

  #settle(alarm: Alarm): void {
    this.#rise(alarm);
    this.#sink(alarm);
  }

  #rise(alarm: Alarm): void {
    while (alarm.position > 0) {
      const above = this.#alarms[(alarm.position - 1) >> 1];
      if (above === undefined || above.dueMs <= alarm.dueMs) return;
      this.#swap(alarm, above);
    }
  }

  #sink(alarm: Alarm): void {
    for (;;) {
      const left = this.#alarms[2 * alarm.position + 1];
      const right = this.#alarms[2 * alarm.position + 2];
      const earlier = right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
      if (earlier === undefined || alarm.dueMs <= earlier.dueMs) return;
      this.#swap(alarm, earlier);
    }
  }

  #swap(one: Alarm, other: Alarm): void {
    const { position } = one;
    this.#place(one, other.position);
    this.#place(other, position);
  }

  #place(alarm: Alarm, position: number): void {
    this.#alarms[position] = alarm;
    alarm.position = position;
  }
}
