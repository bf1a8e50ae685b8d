import { makeRandom } from '../core/prng.ts';
import type { Time, Timer } from '../core/time.ts';
import { EventHeap } from './event-heap.ts';
import { NOT_PLANNED, type Planned } from './planned.ts';

/** Of before a plug-in is watched: each call would look for the plug-in in its stack. */
const { setImmediate } = globalThis;

/** A call that is planned, which is its own timer. */
class Call implements Planned, Timer {
  order = NOT_PLANNED;
  readonly happen: () => void;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, call: () => void) {
    this.#time = time;
    this.happen = call;
  }

  cancel(): void {
    this.#time.cancel(this);
  }
}

/** Turns of one round of the event loop of Node.js, which lets promises go on between two of them: a round takes longer. */
const MOST_TURNS = 64;

/** The first date at which a simulation may begin, microseconds since 1970. */
const FIRST_DATE_US = Date.UTC(2026, 0, 1) * 1_000;
const DAY_US = 86_400_000_000;

/** A moment of that day. A limiter that counts in whole seconds or minutes depends on when they begin. */
export function dateOfSeed(seed: number): number {
  return FIRST_DATE_US + Math.floor(DAY_US * makeRandom(seed, 'date')());
}

/**
 * Time that passes only from event to event, whole microseconds from 0. All that happens in a simulation is an event
 * here, so one seed gives one order of events on every machine.
 */
export class VirtualTime {
  #nowUs = 0;
  #planned = 0;
  #isWoken = false;
  readonly #events = new EventHeap();
  readonly #startDateUs: number;

  /** `startDateUs`: the date at 0, microseconds since 1970. */
  constructor(startDateUs = FIRST_DATE_US) {
    this.#startDateUs = startDateUs;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** The date now, or at this time; microseconds since 1970. */
  dateUs(atUs = this.#nowUs): number {
    return this.#startDateUs + atUs;
  }

  /** Calls at this time, or now if it has passed. */
  at(atUs: number, call: () => void): Timer {
    const planned = new Call(this, call);
    this.plan(planned, atUs);
    return planned;
  }

  after(us: number, call: () => void): Timer {
    return this.at(this.#nowUs + us, call);
  }

  /** The same of an object that is not planned now. What is planned for one instant happens in the order of its planning. */
  plan(planned: Planned, atUs: number): void {
    planned.order = this.#planned++;
    this.#events.add(Math.max(this.#nowUs, Math.ceil(atUs)), planned);
  }

  /** Does nothing if it is not planned. */
  cancel(planned: Planned): void {
    this.#events.cancel(planned);
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
      let turns = 1;
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
        planned = turns;
        for (let each = 0; each < turns; each++) setImmediate(turn);
        turns = Math.min(MOST_TURNS, 2 * turns); // few are left over where time passes by little
      };
      planTurns();
    });
  }

  /** Runs events until one wakes what waits for a promise; that goes on before the next turn. True: there are no more. */
  #runTurn(endUs: number): boolean {
    const events = this.#events;
    this.#isWoken = false;
    while (events.isDue(endUs)) {
      const atUs = events.firstUs;
      const planned = events.take();
      if (planned === undefined) continue; // it was cancelled
      this.#nowUs = atUs;
      planned.happen();
      if (this.#isWoken) return false;
    }
    this.#nowUs = Math.max(this.#nowUs, endUs);
    return true;
  }
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
    return Math.floor(this.#time.dateUs() / 1_000);
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

  /** Those that are left out cost nothing; the others are planned one interval before, as all were. */
  ticks(ms: number, call: () => number): Timer {
    let timer: Timer;
    const plan = () => {
      timer = this.after(ms, () => {
        plan();
        const spared = call();
        if (spared < 1) return;
        timer.cancel();
        if (Number.isFinite(spared)) timer = this.after(spared * ms, plan);
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
