import type { Held, Output } from '../toxic.ts';

interface Item {
  readonly data: Buffer | undefined; // undefined: the end
  readonly dueMs: number;
  readonly receivedMs: number;
  /** The time of receipt for the next toxic. */
  readonly nextReceivedMs: number;
}

/** A FIFO queue in which each piece has an earliest time to leave. */
export class DelayQueue {
  #items: Item[] = [];
  #first = 0;
  /** When the newest piece may leave. */
  lastDueMs = Number.NEGATIVE_INFINITY;
  heldBytes = 0;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  get dueMs(): number {
    return this.#items[this.#first]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  get heldChunks(): number {
    return this.#items.length - this.#first;
  }

  add(data: Buffer, dueMs: number, receivedMs: number, nextReceivedMs = receivedMs): void {
    this.heldBytes += data.length;
    this.lastDueMs = Math.max(this.lastDueMs, dueMs);
    this.#items.push({ data, dueMs: this.lastDueMs, receivedMs, nextReceivedMs });
  }

  end(atMs: number): void {
    this.lastDueMs = Math.max(this.lastDueMs, atMs);
    this.#items.push({ data: undefined, dueMs: this.lastDueMs, receivedMs: atMs, nextReceivedMs: atMs });
  }

  /** Forwards due data with the time at which it was due, so that lateness does not add up along a chain. */
  wake(nowMs: number): void {
    for (let item = this.#items[this.#first]; item !== undefined && item.dueMs <= nowMs; ) {
      this.#first++;
      if (item.data === undefined) {
        this.#output.end(item.dueMs);
      } else {
        this.heldBytes -= item.data.length;
        this.#output.push(item.data, item.dueMs, item.nextReceivedMs);
      }
      item = this.#items[this.#first];
    }
    this.#trim();
  }

  stop(): Held {
    const rest = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    this.heldBytes = 0;
    const chunks = rest.flatMap(({ data, receivedMs }) => (data === undefined ? [] : [{ data, receivedMs }]));
    return { chunks, ended: chunks.length < rest.length };
  }

  /** Drops the forwarded entries together, since every `shift` moves the whole queue. */
  #trim(): void {
    if (this.#first === this.#items.length) {
      if (this.#first > 64) this.#items = [];
      else this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first > 512) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
