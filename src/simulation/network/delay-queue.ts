import { Fifo } from '../fifo.ts';
import { NOT_PLANNED, type Planned } from '../planned.ts';
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
  /** When it leaves; later if an older one does. */
  dueUs: number;
  readonly receivedUs: number;
  /** When it counts as received for what comes after this queue. */
  readonly nextReceivedUs: number;
}

/** What a queue held when it was stopped, oldest first. */
export interface Stopped {
  readonly held: readonly Held[];
  readonly hasEnd: boolean;
}

/** Messages that each leave at a time of their own, in order. It happens when the oldest is due. */
export class DelayQueue implements Planned {
  order = NOT_PLANNED;
  readonly #time: VirtualTime;
  readonly #to: Output;
  readonly #held = new Fifo<Held>();
  #endsUs: number | undefined;
  /** When the newest message leaves. */
  lastDueUs = 0;

  constructor(time: VirtualTime, to: Output) {
    this.#time = time;
    this.#to = to;
  }

  get isEmpty(): boolean {
    return this.#held.isEmpty && this.#endsUs === undefined;
  }

  add(held: Held): void {
    if (held.dueUs > this.lastDueUs) this.lastDueUs = held.dueUs;
    else held.dueUs = this.lastDueUs;
    this.#held.push(held);
    this.#plan();
  }

  /** No message is added after it. */
  end(atUs: number): void {
    this.#endsUs ??= Math.max(this.lastDueUs, atUs);
    this.#plan();
  }

  stop(): Stopped {
    const stopped = { held: this.#held.takeAll(), hasEnd: this.#endsUs !== undefined };
    this.#time.cancel(this);
    this.#endsUs = undefined;
    return stopped;
  }

  /** What is called here may stop this queue, or add to it. */
  happen(): void {
    const { nowUs } = this.#time;
    for (let item = this.#held.first; item !== undefined && item.dueUs <= nowUs; item = this.#held.first) {
      this.#held.shift();
      this.#to.push(item.message, item.bytes, item.dueUs, item.nextReceivedUs);
    }
    const endsUs = this.#endsUs;
    if (endsUs !== undefined && endsUs <= nowUs && this.#held.isEmpty) {
      this.#endsUs = undefined;
      this.#to.end(endsUs);
    } else this.#plan();
  }

  #plan(): void {
    if (this.order !== NOT_PLANNED) return;
    const dueUs = this.#held.first?.dueUs ?? this.#endsUs;
    if (dueUs !== undefined) this.#time.plan(this, dueUs);
  }
}
