import type { Random } from '../../core/prng.ts';
import type { Surroundings } from '../../core/time.ts';
import { ProcessTime, type VirtualTime } from '../virtual-time.ts';

/** A simulated process with a limiter: its timers, its random numbers, and what ends with it. */
export class ServiceProcess implements Surroundings {
  readonly time: ProcessTime;
  readonly #random: Random;
  readonly #ends: (() => void)[] = [];

  constructor(time: VirtualTime, random: Random) {
    this.time = new ProcessTime(time);
    this.#random = random;
  }

  randomUpTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  /** In the form of a random UUID. */
  randomId(): string {
    const hex = (digits: number) =>
      Array.from({ length: digits }, () => HEX[Math.floor(this.#random() * 16)]).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  }

  /** Called when the process ends: closes its connections. */
  onEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** SIGKILL. */
  end(): void {
    this.time.end();
    for (const end of this.#ends.splice(0)) end();
  }
}

const HEX = '0123456789abcdef';
