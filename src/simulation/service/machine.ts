import { Fifo } from '../client/fifo.ts';
import { PROCESSORS } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';

interface Work {
  readonly us: number;
  readonly done: () => void;
}

/**
 * The processors that all simulated services and the load share, as those of a real run share one machine. Threads with
 * work take turns, one piece of work at a time. Left out: the processor time of nodes and Toxiproxies.
 */
export class Machine {
  readonly #time: VirtualTime;
  readonly #ready = new Fifo<Thread>();
  #idle = PROCESSORS;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  thread(): Thread {
    return new Thread((thread) => {
      this.#ready.push(thread);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#idle > 0) {
      const thread = this.#ready.shift();
      if (thread === undefined) return;
      this.#idle--;
      this.#run(thread);
    }
  }

  #run(thread: Thread): void {
    const work = thread.next();
    this.#time.after(work.us, () => {
      this.#idle++;
      if (thread.finish()) this.#ready.push(thread);
      this.#dispatch();
      work.done();
    });
  }
}

/** The one thread of a process, which works off what it gets in order. Of a machine. */
export class Thread {
  readonly #onReady: (thread: Thread) => void;
  readonly #works = new Fifo<Work>();
  /** It runs, or waits for a processor. */
  #isBusy = false;

  constructor(onReady: (thread: Thread) => void) {
    this.#onReady = onReady;
  }

  /** Calls back once so much processor time has been spent on it, after all that came before. */
  do(us: number, done: () => void): void {
    this.#works.push({ us, done });
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#onReady(this);
  }

  /** The work that it begins. Throws without any. */
  next(): Work {
    const work = this.#works.shift();
    if (work === undefined) throw new RangeError('a thread without work was started');
    return work;
  }

  /** The work that it had begun is done. Returns whether it has more. */
  finish(): boolean {
    this.#isBusy = !this.#works.isEmpty;
    return this.#isBusy;
  }
}
