import { Fifo } from '../client/fifo.ts';
import { PROCESSORS, WAKE_US } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';

interface Work {
  readonly us: number;
  readonly done: () => void;
}

/**
 * The processors that all simulated processes share, as those of a real run share one machine. Threads with work take
 * turns, one piece of work at a time. A thread that had no work first wakes up, so a busy machine does more in a second.
 * Left out: what else runs on a real machine.
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
    return new Thread(this.#wakeUs, (thread) => {
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
  readonly #wakeUs: number;
  readonly #onReady: (thread: Thread) => void;
  readonly #works = new Fifo<Work>();
  /** It runs, or waits for a processor. */
  #isBusy = false;

  constructor(wakeUs: number, onReady: (thread: Thread) => void) {
    this.#wakeUs = wakeUs;
    this.#onReady = onReady;
  }

  /** Calls back once so much processor time has been spent on it, after all that came before. */
  do(us: number, done: () => void): void {
    if (this.#isBusy) {
      this.#works.push({ us, done });
      return;
    }
    this.#works.push({ us: us + this.#wakeUs, done });
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
