import { type Alarm, AlarmHeap } from './alarm-heap.ts';

/** The clock of toxic pipes, real or virtual. */
export interface Clock {
  nowMs(): number;
  /** Fires once, as soon as possible after `dueMs` and never before. Setting it again moves it. */
  set(alarm: Alarm, dueMs: number): void;
  clear(alarm: Alarm): void;
}

/** Node's timers have a resolution of a millisecond. The rest of a wait is spent in turns of the event loop, ... */
const SPIN_BELOW_MS = 1;
/** ... but for at most this share of the time, so that delayed connections do not occupy a core. */
const SPIN_SHARE = 0.1;
const SPIN_SAVED_MS = 4;
/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's monotonic clock, with one timer for all alarms. */
export class RealClock implements Clock {
  readonly #alarms = new AlarmHeap();
  readonly #spinning = new Budget({ share: SPIN_SHARE, mostMs: SPIN_SAVED_MS });
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #armedForMs = Number.POSITIVE_INFINITY;
  #ringing = false;

  nowMs(): number {
    return performance.now();
  }

  set(alarm: Alarm, dueMs: number): void {
    this.#alarms.set(alarm, dueMs);
    if (dueMs < this.#armedForMs && !this.#ringing) this.#arm(performance.now());
  }

  clear(alarm: Alarm): void {
    this.#alarms.remove(alarm);
    if (this.#alarms.first === undefined) this.#disarm(); // a forgotten timer would keep the process alive
  }

  readonly #wake = () => {
    const nowMs = performance.now();
    this.#ringing = true;
    for (let first = this.#alarms.first; first !== undefined && first.dueMs <= nowMs; ) {
      this.#alarms.remove(first);
      first.ring(nowMs);
      first = this.#alarms.first;
    }
    this.#ringing = false;
    this.#arm(nowMs);
  };

  #arm(nowMs: number): void {
    this.#disarm();
    const { first } = this.#alarms;
    if (first === undefined) return;
    this.#armedForMs = first.dueMs;
    const waitMs = first.dueMs - nowMs;
    if (waitMs < SPIN_BELOW_MS && this.#spinning.spend(waitMs, nowMs)) this.#turn = setImmediate(this.#spin);
    else this.#timer = setTimeout(this.#wake, Math.min(Math.max(1, Math.floor(waitMs)), LONGEST_TIMER_MS));
  }

  readonly #spin = () => {
    if (performance.now() < this.#armedForMs) this.#turn = setImmediate(this.#spin);
    else this.#wake();
  };

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }
}

/** A budget of time: `share` of the elapsed time, saved up to `mostMs`. */
class Budget {
  readonly #share: number;
  readonly #mostMs: number;
  #leftMs: number;
  #countedMs = 0;

  constructor({ share, mostMs }: { readonly share: number; readonly mostMs: number }) {
    this.#share = share;
    this.#mostMs = mostMs;
    this.#leftMs = mostMs;
  }

  spend(amountMs: number, nowMs: number): boolean {
    this.#leftMs = Math.min(this.#mostMs, this.#leftMs + (nowMs - this.#countedMs) * this.#share);
    this.#countedMs = nowMs;
    if (this.#leftMs < amountMs) return false;
    this.#leftMs -= amountMs;
    return true;
  }
}
