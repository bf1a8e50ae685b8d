import { PROCESSORS, SLICE_US, WAKE_US } from '../delays.ts';
import { Fifo } from '../fifo.ts';
import { NOT_PLANNED, type Planned } from '../planned.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** What a thread works off. It is in one thread at a time, and can go into another once it is done. */
export interface Work {
  /** The processor time that it takes next. */
  readonly us: number;
  /** So much has been spent on it. */
  done(): void;
}

/**
 * The processors that the simulated processes of one machine share: all of a run, or those of a region. Threads with work take
 * turns, each until it has none or its slice is over. A thread that had no work first wakes up, so a busy machine does
 * more in a second. Left out: what else runs on a real machine.
 */
export class Machine {
  readonly #time: VirtualTime;
  readonly #ready = new Fifo<Thread>();
  readonly #wakeUs: number;
  #idle = PROCESSORS;
  /** The process that sends the load of all regions. */
  readonly load: Thread;
  /** The nodes and the Toxiproxies. They only take time from the others: no command waits for them. */
  readonly nodes: Thread;

  constructor(time: VirtualTime, wakeUs = WAKE_US) {
    this.#time = time;
    this.#wakeUs = wakeUs;
    this.load = this.thread();
    this.nodes = this.thread();
  }

  thread(): Thread {
    return new Thread(this, this.#wakeUs);
  }

  /** A thread has work, and waits for a processor. Of Thread. */
  isReady(thread: Thread): void {
    this.#ready.push(thread);
    this.#dispatch();
  }

  /** A thread has done its work. `hasMore`: it goes on, or waits for a processor again. Of Thread. */
  hasWorked(thread: Thread, hasMore: boolean): void {
    if (hasMore && this.#time.nowUs < thread.sliceEndUs) {
      this.#run(thread);
      return;
    }
    this.#idle++;
    if (hasMore) this.#ready.push(thread);
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#idle > 0) {
      const thread = this.#ready.shift();
      if (thread === undefined) return;
      this.#idle--;
      thread.sliceEndUs = this.#time.nowUs + SLICE_US;
      this.#run(thread);
    }
  }

  #run(thread: Thread): void {
    this.#time.plan(thread, this.#time.nowUs + thread.begin());
  }
}

/** The one thread of a process, which works off what it gets in order. It happens when its work is done. Of a machine. */
export class Thread implements Planned {
  order = NOT_PLANNED;
  /** Until when it keeps its processor if others wait for one. Of Machine. */
  sliceEndUs = 0;
  readonly #machine: Machine;
  readonly #wakeUs: number;
  readonly #works = new Fifo<Work>();
  /** It runs, or waits for a processor. */
  #isBusy = false;
  /** It had no work until now. */
  #wakes = false;
  #work: Work | undefined;

  constructor(machine: Machine, wakeUs: number) {
    this.#machine = machine;
    this.#wakeUs = wakeUs;
  }

  /** Spends processor time on this work, after all that came before. */
  do(work: Work): void {
    this.#works.push(work);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#wakes = true;
    this.#machine.isReady(this);
  }

  /** Begins its next work. Returns how long that takes, microseconds. Throws without any. */
  begin(): number {
    this.#work = this.#works.shift();
    if (this.#work === undefined) throw new RangeError('a thread without work was started');
    const wakesUs = this.#wakes ? this.#wakeUs : 0;
    this.#wakes = false;
    return this.#work.us + wakesUs;
  }

  happen(): void {
    const work = this.#work;
    this.#isBusy = !this.#works.isEmpty;
    this.#machine.hasWorked(this, this.#isBusy);
    work?.done();
  }
}
