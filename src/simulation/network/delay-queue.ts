import type { Timer } from '../../core/time.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** Gets the messages of one direction in order, then at most one end. Microseconds. */
export interface Output {
  /**
   * `atUs`: when it is here, perhaps a little later than now. `receivedUs`: when the proxy received it, plus what latency
   * has added since.
   */
  push(message: unknown, bytes: number, atUs: number, receivedUs: number): void;
  end(atUs: number): void;
}

interface Held {
  readonly message: unknown;
  readonly bytes: number;
  readonly dueUs: number;
  readonly receivedUs: number;
  /** When it counts as received for what comes after this queue. */
  readonly nextReceivedUs: number;
}

/** What a queue held when it was stopped, oldest first. */
export interface Stopped {
  readonly held: readonly Held[];
  readonly hasEnd: boolean;
}

const MOST_LEFT = 512;

/** Messages that each leave at a time of their own, in order. */
export class DelayQueue {
  readonly #time: VirtualTime;
  readonly #to: Output;
  #held: Held[] = [];
  #first = 0;
  #endsUs: number | undefined;
  #timer: Timer | undefined;
  /** When the newest message leaves. */
  lastDueUs = 0;

  constructor(time: VirtualTime, to: Output) {
    this.#time = time;
    this.#to = to;
  }

  get isEmpty(): boolean {
    return this.#first === this.#held.length && this.#endsUs === undefined;
  }

  add(message: unknown, bytes: number, { dueUs, receivedUs, nextReceivedUs }: Times): void {
    this.lastDueUs = Math.max(this.lastDueUs, dueUs);
    this.#held.push({ message, bytes, dueUs: this.lastDueUs, receivedUs, nextReceivedUs });
    this.#arm();
  }

  /** No message is added after it. */
  end(atUs: number): void {
    this.#endsUs ??= Math.max(this.lastDueUs, atUs);
    this.#arm();
  }

  stop(): Stopped {
    const stopped = { held: this.#held.slice(this.#first), hasEnd: this.#endsUs !== undefined };
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#held = [];
    this.#first = 0;
    this.#endsUs = undefined;
    return stopped;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const dueUs = this.#held[this.#first]?.dueUs ?? this.#endsUs;
    if (dueUs !== undefined) this.#timer = this.#time.at(dueUs, this.#release);
  }

  /** What is called here may stop this queue, or add to it. */
  readonly #release = (): void => {
    this.#timer = undefined;
    const { nowUs } = this.#time;
    for (let item = this.#held[this.#first]; item !== undefined && item.dueUs <= nowUs; ) {
      this.#first++;
      this.#trim();
      this.#to.push(item.message, item.bytes, item.dueUs, item.nextReceivedUs);
      item = this.#held[this.#first];
    }
    const endsUs = this.#endsUs;
    if (endsUs !== undefined && endsUs <= nowUs && this.#first === this.#held.length) {
      this.#endsUs = undefined;
      this.#to.end(endsUs);
    } else this.#arm();
  };

  /** Drops what has left, seldom: that moves the rest. */
  #trim(): void {
    if (this.#first < this.#held.length && this.#first < MOST_LEFT) return;
    this.#held.splice(0, this.#first);
    this.#first = 0;
  }
}

interface Times {
  readonly dueUs: number;
  readonly receivedUs: number;
  readonly nextReceivedUs: number;
}
