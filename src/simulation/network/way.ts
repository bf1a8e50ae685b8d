import type { Random } from '../../core/prng.ts';
import { type Delays, drawDelay } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { DelayQueue, type Output } from './delay-queue.ts';
import { Slot, type Toxic } from './slot.ts';

export interface WayOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  /** One way on this machine, without any toxic. */
  readonly delays: Delays;
  readonly toxics: readonly Toxic[];
  readonly deliver: (message: unknown) => void;
  /** The end has arrived, after all that was sent before it. */
  readonly ended: () => void;
}

/** One direction of one connection: the way on this machine, then the toxics in the order of their addition. */
export class Way implements Output {
  readonly #options: WayOptions;
  #slots: Slot[] = [];
  /** The way on this machine where no toxic delays. */
  readonly #wire: DelayQueue;
  #lastAtUs = 0;
  /** The end has left the last toxic. */
  #isEnding = false;
  #isOver = false;

  constructor(options: WayOptions) {
    this.#options = options;
    this.#wire = new DelayQueue(options.time, {
      push: (message) => this.#deliver(message),
      end: () => this.#end(),
    });
    for (const toxic of options.toxics) this.#append(toxic);
  }

  send(message: unknown, bytes: number): void {
    const atUs = this.#arrivalUs();
    const slot = this.#slots[0];
    if (slot === undefined) this.push(message, bytes, atUs, atUs);
    else slot.push(message, bytes, atUs, atUs);
  }

  /** The sender closes; that arrives after all that it sent. */
  close(): void {
    (this.#slots[0] ?? this).end(this.#arrivalUs());
  }

  /** Drops all that is on the way. */
  stop(): void {
    this.#isOver = true;
    this.#wire.stop();
    for (const slot of this.#slots) slot.stop();
    this.#slots = [];
  }

  /** At the end of the chain. The toxic before it starts again, as in Toxiproxy. */
  add(toxic: Toxic): void {
    if (this.#isOver) return;
    this.#slots.at(-1)?.restart();
    this.#append(toxic);
  }

  update(toxic: Toxic): void {
    this.#slots.find((slot) => slot.toxic.name === toxic.name)?.restart(toxic);
  }

  remove(name: string): void {
    const index = this.#slots.findIndex((slot) => slot.toxic.name === name);
    const slot = this.#slots[index];
    if (slot === undefined) return;
    const before = this.#slots[index - 1];
    if (before !== undefined) before.next = slot.next;
    this.#slots.splice(index, 1);
    slot.leave();
  }

  /** What leaves the last toxic. */
  push(message: unknown, bytes: number, atUs: number, receivedUs: number): void {
    if (this.#isOver || this.#isEnding) return;
    if (this.#wire.isEmpty && atUs <= this.#options.time.nowUs) this.#options.deliver(message);
    else this.#wire.add({ message, bytes, dueUs: atUs, receivedUs, nextReceivedUs: receivedUs });
  }

  end(atUs: number): void {
    if (this.#isOver) return;
    this.#isEnding = true;
    this.#wire.end(atUs);
  }

  #append(toxic: Toxic): void {
    const { time, random } = this.#options;
    const slot = new Slot({ toxic, next: this, time, random });
    const last = this.#slots.at(-1);
    if (last !== undefined) last.next = slot;
    this.#slots.push(slot);
  }

  /** When what is sent now is past the proxies of this machine. */
  #arrivalUs(): number {
    const { time, random, delays } = this.#options;
    this.#lastAtUs = Math.max(this.#lastAtUs, time.nowUs + drawDelay(delays, random));
    return this.#lastAtUs;
  }

  #deliver(message: unknown): void {
    if (!this.#isOver) this.#options.deliver(message);
  }

  #end(): void {
    if (this.#isOver) return;
    this.stop();
    this.#options.ended();
  }
}
