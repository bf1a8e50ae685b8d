import type { Time, Timer } from '../core/time.ts';

/** One object is its own timer, since events are many. */
class Event implements Timer {
  readonly atUs: number;
  /** Events of one instant run in the order in which they were planned. */
  readonly order: number;
  call: (() => void) | undefined;
  readonly #cancelled: () => void;

  constructor(atUs: number, order: number, call: () => void, cancelled: () => void) {
    this.atUs = atUs;
    this.order = order;
    this.call = call;
    this.#cancelled = cancelled;
  }

  cancel(): void {
    if (this.call === undefined) return;
    this.call = undefined;
    this.#cancelled();
  }
}

/** Turns of one round of the event loop of Node.js, which lets promises go on between two of them: a round takes longer. */
const TURNS = 64;

/** So many cancelled events stay planned at least. */
const MOST_CANCELLED = 1_000;

/** The date at the start of every simulation, milliseconds since 1970. */
export const START_MS = Date.UTC(2026, 0, 1);

/**
 * Time that passes only from event to event, whole microseconds from 0. All that happens in a simulation is an event
 * here, so one seed gives one order of events on every machine.
 */
export class VirtualTime {
  #nowUs = 0;
  #planned = 0;
  #isWoken = false;
  /** A binary heap; the next event is first. */
  readonly #events: Event[] = [];
  /** How many of them are cancelled. */
  #cancelled = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Calls at this time, or now if it has passed. */
  at(atUs: number, call: () => void): Timer {
    const time = Math.max(this.#nowUs, Math.ceil(atUs));
    const event = new Event(time, this.#planned++, call, this.#onCancelled);
    this.#push(event);
    return event;
  }

  after(us: number, call: () => void): Timer {
    return this.at(this.#nowUs + us, call);
  }

  /**
   * The event that runs now settles a promise: before the next event, all that waits for it goes on. Without it, code
   * that awaits would go on at the time of a later event.
   */
  wake(): void {
    this.#isWoken = true;
  }

  /** Runs all events up to this time, which is then now. Rejects with the error of an event. */
  runUntil(endUs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      let planned = 0;
      const turn = () => {
        if (isOver) return;
        try {
          isOver = this.#runTurn(endUs);
        } catch (error) {
          isOver = true;
          reject(error);
          return;
        }
        if (isOver) resolve();
        else if (--planned === 0) planTurns();
      };
      const planTurns = () => {
        planned = TURNS;
        for (let each = 0; each < TURNS; each++) setImmediate(turn);
      };
      planTurns();
    });
  }

  /** Runs events until one wakes what waits for a promise; that goes on before the next turn. True: there are no more. */
  #runTurn(endUs: number): boolean {
    const events = this.#events;
    this.#isWoken = false;
    for (let next = events[0]; next !== undefined && next.atUs <= endUs; next = events[0]) {
      this.#pop();
      const { call } = next;
      if (call === undefined) {
        this.#cancelled--;
        continue;
      }
      next.call = undefined; // it has run: there is nothing to cancel
      this.#nowUs = next.atUs;
      call();
      if (this.#isWoken) return false;
    }
    this.#nowUs = Math.max(this.#nowUs, endUs);
    return true;
  }

  readonly #onCancelled = (): void => {
    this.#cancelled++;
    if (this.#cancelled > MOST_CANCELLED && this.#cancelled * 2 > this.#events.length) this.#sweep();
  };

  /** Drops what is cancelled: most timers of commands are, long before they are due. */
  #sweep(): void {
    const planned = this.#events.filter(({ call }) => call !== undefined);
    this.#events.length = 0;
    this.#cancelled = 0;
    for (const event of planned) this.#push(event);
  }

  #push(event: Event): void {
    const events = this.#events;
    let at = events.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = events[parent] as Event;
      if (isBefore(above, event)) break;
      events[at] = above;
      at = parent;
    }
    events[at] = event;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop() as Event;
    if (events.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1] as Event, events[child] as Event)) child++;
      if (isBefore(last, events[child] as Event)) break;
      events[at] = events[child] as Event;
      at = child;
    }
    events[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}

/** The clocks and timers of one simulated process. Its timers and what they settle go on at their instant. */
export class ProcessTime implements Time {
  readonly #time: VirtualTime;
  #hasEnded = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** The process has ended: none of its timers calls any more. */
  end(): void {
    this.#hasEnded = true;
  }

  nowUs(): number {
    return this.#time.nowUs;
  }

  dateMs(): number {
    return Math.floor(START_MS + this.#time.nowUs / 1_000);
  }

  after(ms: number, call: () => void): Timer {
    return this.#time.after(Math.max(1, ms) * 1_000, () => this.#run(call));
  }

  every(ms: number, call: () => void): Timer {
    let timer: Timer;
    const plan = () => {
      timer = this.after(ms, () => {
        plan();
        call();
      });
    };
    plan();
    return { cancel: () => timer.cancel() };
  }

  soon(call: () => void): void {
    this.#time.after(0, () => this.#run(call));
  }

  #run(call: () => void): void {
    if (this.#hasEnded) return;
    this.#time.wake();
    call();
  }
}
