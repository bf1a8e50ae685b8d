import type { Timer } from '../../core/time.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** One connection of a process, as the process reads it. */
export interface Socket {
  /** Whether what arrives is handled now. */
  readonly isRead: boolean;
  /** Handles what arrived: now, or once the process goes on; never once it has ended. */
  run(call: () => void): void;
}

class ReadSocket implements Socket {
  readonly #process: ServerProcess;
  /** Whether the kernel accepted it while the process was stopped. */
  readonly isLate: boolean;
  readonly waiting: (() => void)[] = [];

  constructor(process: ServerProcess) {
    this.#process = process;
    this.isLate = process.isPaused;
  }

  get isRead(): boolean {
    return !this.#process.isPaused && !this.#process.hasEnded;
  }

  run(call: () => void): void {
    if (this.#process.isPaused) this.#process.keep(this, call);
    else if (!this.#process.hasEnded) call();
  }
}

/**
 * One server process. While it is stopped (SIGSTOP), what arrives and its timers wait. A server that goes on does as the
 * event loop of Redis does, whose wait for events ends without any then: it runs each timer that is due once; then it
 * reads the sockets that it had, each to its end, in the order in which they became readable; then it reads the sockets
 * that the kernel accepted meanwhile.
 */
export class ServerProcess {
  readonly #time: VirtualTime;
  /** Sockets with something to read, in the order in which they got it. */
  readonly #readable: ReadSocket[] = [];
  readonly #due: (() => void)[] = [];
  #isPaused = false;
  #hasEnded = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** A connection that it opens, or that is accepted for it. */
  socket(): Socket {
    return new ReadSocket(this);
  }

  /** Keeps what a socket brings until the process goes on. */
  keep(socket: ReadSocket, call: () => void): void {
    if (socket.waiting.length === 0) this.#readable.push(socket);
    socket.waiting.push(call);
  }

  /** Calls once, `us` microseconds later. */
  after(us: number, call: () => void): Timer {
    let isCancelled = false;
    const run = () => {
      if (!isCancelled) call();
    };
    const timer = this.#time.after(us, () => this.#runTimer(run));
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Calls every `us` microseconds, first after `firstUs`. */
  every(us: number, firstUs: number, call: () => void): void {
    this.after(firstUs, () => {
      this.every(us, us, call);
      call();
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const readable = this.#readable.splice(0);
    const read = (isLate: boolean) => {
      for (const socket of readable) if (socket.isLate === isLate) this.#runAll(socket.waiting);
    };
    this.#runAll(this.#due);
    read(false);
    read(true);
  }

  end(): void {
    this.#hasEnded = true;
  }

  #runAll(calls: (() => void)[]): void {
    for (const call of calls.splice(0)) if (!this.#hasEnded) call();
  }

  #runTimer(call: () => void): void {
    if (this.#hasEnded) return;
    if (this.#isPaused) this.#due.push(call);
    else call();
  }
}
