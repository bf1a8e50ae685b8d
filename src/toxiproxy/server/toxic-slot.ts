import type { Random } from '../../core/prng.ts';
import type { ExactAttributes, Output, Stage, StageOutput, Toxic } from '../toxic.ts';
import type { Relay } from './relay.ts';
import { noop } from './toxics/noop.ts';

export interface SlotOptions {
  readonly toxic: Toxic;
  readonly next: Output;
  readonly relay: Relay;
  readonly random: Random;
  /** Called before the end if the toxic closes the connection. */
  readonly close: () => void;
  readonly nowMs: number;
}

/** The slot of one toxic in one pipe. It persists while an update replaces the running toxic. */
export class Slot implements Output {
  toxic: Toxic;
  next: Output;
  stage: Stage;
  readonly #relay: Relay;
  readonly #random: Random;
  readonly #close: () => void;
  readonly #memory = { value: 0 };
  #ended = false;

  constructor({ toxic, next, relay, random, close, nowMs }: SlotOptions) {
    this.toxic = toxic;
    this.next = next;
    this.#relay = relay;
    this.#random = random;
    this.#close = close;
    this.stage = this.#start(nowMs);
  }

  get dueMs(): number {
    return this.#ended ? Number.POSITIVE_INFINITY : this.stage.dueMs;
  }

  push(data: Buffer, atMs: number, receivedMs: number): void {
    if (!this.#ended) this.stage.push(data, atMs, receivedMs);
  }

  end(atMs: number): void {
    if (!this.#ended) this.stage.end(atMs);
  }

  wake(nowMs: number): void {
    this.stage.wake(nowMs);
  }

  /** Restarts the toxic: the oldest held data passes at once, the rest is delayed by the updated toxic. */
  restart(nowMs: number, toxic: Toxic = this.toxic): void {
    this.toxic = toxic;
    if (this.#ended) return;
    const { chunks, ended } = this.stage.stop();
    const [oldest, ...rest] = chunks;
    this.stage = this.#start(nowMs);
    if (oldest !== undefined) this.#relay.push(this.next, oldest.data, nowMs, oldest.receivedMs);
    for (const { data, receivedMs } of rest) this.push(data, nowMs, receivedMs);
    if (ended) this.end(nowMs);
  }

  /** Stops for good and forwards the held data. */
  leave(nowMs: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const { closesOnRemoval } = this.stage;
    const { chunks, ended } = this.stage.stop();
    for (const { data, receivedMs } of chunks) this.#relay.push(this.next, data, nowMs, receivedMs);
    if (closesOnRemoval) this.#close();
    if (ended || closesOnRemoval) this.#relay.end(this.next, nowMs);
  }

  /** One random number decides whether the toxic spares this connection until its next restart. */
  #start(nowMs: number): Stage {
    const { type, toxicity, attributes } = this.toxic;
    const random = this.#random;
    const options = { output: this.#output, random, memory: this.#memory, startedMs: nowMs };
    return random() < toxicity
      ? type.start({ ...options, attributes: asNumbers(attributes) })
      : noop.start({ ...options, attributes: {} });
  }

  readonly #output: StageOutput = {
    push: (data, atMs, receivedMs) => this.#relay.push(this.next, data, atMs, receivedMs),
    end: (atMs) => {
      this.#ended = true;
      this.#relay.end(this.next, atMs);
    },
    close: (atMs) => {
      this.#ended = true;
      this.#close();
      this.#relay.end(this.next, atMs);
    },
  };
}

function asNumbers(attributes: ExactAttributes): Record<string, number> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Number(value)]));
}
