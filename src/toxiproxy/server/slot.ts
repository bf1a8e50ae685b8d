import type { Random } from '../../core/prng.ts';
import type { Output, Stage, StageOutput, Toxic } from '../toxic.ts';
import { noop } from './toxics/noop.ts';

export interface SlotOptions {
  readonly toxic: Toxic;
  readonly next: Output;
  readonly random: Random;
  /** Called before the end when the toxic closes the connection. */
  readonly close: () => void;
  readonly nowMs: number;
}

/** The place of one toxic on one link. It stays while the toxic in it is updated, and so starts anew. */
export class Slot implements Output {
  toxic: Toxic;
  next: Output;
  stage: Stage;
  readonly #random: Random;
  readonly #close: () => void;
  readonly #memory = { value: 0 };
  #ended = false;

  constructor({ toxic, next, random, close, nowMs }: SlotOptions) {
    this.toxic = toxic;
    this.next = next;
    this.#random = random;
    this.#close = close;
    this.stage = this.#start(nowMs);
  }

  get dueMs(): number {
    return this.#ended ? Number.POSITIVE_INFINITY : this.stage.dueMs;
  }

  push(data: Buffer, atMs: number): void {
    if (!this.#ended) this.stage.push(data, atMs);
  }

  end(atMs: number): void {
    if (!this.#ended) this.stage.end(atMs);
  }

  wake(nowMs: number): void {
    this.stage.wake(nowMs);
  }

  /** Starts anew: the oldest data held goes on at once, the rest waits as the toxic now says. */
  restart(nowMs: number, toxic: Toxic = this.toxic): void {
    this.toxic = toxic;
    if (this.#ended) return;
    const { chunks, ended } = this.stage.stop();
    const [oldest, ...rest] = chunks;
    this.stage = this.#start(nowMs);
    if (oldest !== undefined) this.next.push(oldest.data, oldest.atMs);
    for (const { data, atMs } of rest) this.push(data, atMs);
    if (ended) this.end(nowMs);
  }

  /** Stops for good and sends on what was held. */
  leave(nowMs: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const { closesOnRemoval } = this.stage;
    const { chunks, ended } = this.stage.stop();
    for (const { data, atMs } of chunks) this.next.push(data, atMs);
    if (closesOnRemoval) this.#close();
    if (ended || closesOnRemoval) this.next.end(nowMs);
  }

  /** One coin decides whether the toxic spares this connection until it starts again. */
  #start(nowMs: number): Stage {
    const { type, toxicity, attributes } = this.toxic;
    const random = this.#random;
    const options = { output: this.#output, random, memory: this.#memory, startedMs: nowMs };
    return random() < toxicity
      ? type.start({ ...options, attributes })
      : noop.start({ ...options, attributes: {} });
  }

  readonly #output: StageOutput = {
    push: (data, atMs) => this.next.push(data, atMs),
    end: (atMs) => {
      this.#ended = true;
      this.next.end(atMs);
    },
    close: (atMs) => {
      this.#ended = true;
      this.#close();
      this.next.end(atMs);
    },
  };
}
