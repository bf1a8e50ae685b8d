import type { Timer } from '../../core/time.ts';
import type { VirtualTime } from '../virtual-time.ts';

/**
 * One server process. While it is stopped (SIGSTOP), what arrives and its timers wait; a server that goes on reads its
 * sockets first and then runs the timers that are due, each once. Once it has ended, nothing of it runs.
 */
export class ServerProcess {
  readonly #time: VirtualTime;
  readonly #arrived: (() => void)[] = [];
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

  /** Handles what arrived at a socket: now, or once the process goes on. */
  run(call: () => void): void {
    if (this.#hasEnded) return;
    if (this.#isPaused) this.#arrived.push(call);
    else call();
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
    this.#isPaused = false;
    for (const waiting of [this.#arrived, this.#due])
      for (const call of waiting.splice(0)) if (!this.#hasEnded) call();
  }

  end(): void {
    this.#hasEnded = true;
  }

  #runTimer(call: () => void): void {
    if (this.#hasEnded) return;
    if (this.#isPaused) this.#due.push(call);
    else call();
  }
}
