import type { Held, Output } from '../toxic.ts';

interface Item {
  readonly data: Buffer | undefined; // undefined: the end
  readonly atMs: number;
  readonly dueMs: number;
}

/** Data in order, each piece with the time it may leave; nothing overtakes. */
export class DelayQueue {
  #items: Item[] = [];
  #first = 0;
  #lastDueMs = Number.NEGATIVE_INFINITY;
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

  add(data: Buffer, atMs: number, dueMs: number): void {
    this.heldBytes += data.length;
    this.#add(data, atMs, dueMs);
  }

  end(atMs: number, dueMs: number): void {
    this.#add(undefined, atMs, dueMs);
  }

  #add(data: Buffer | undefined, atMs: number, dueMs: number): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    this.#items.push({ data, atMs, dueMs: this.#lastDueMs });
  }

  /** Sends on what is due, as of the moment it was due: lateness of the machine does not add up in a chain. */
  wake(nowMs: number): void {
    for (let item = this.#items[this.#first]; item !== undefined && item.dueMs <= nowMs; ) {
      this.#first++;
      if (item.data === undefined) {
        this.#output.end(item.dueMs);
      } else {
        this.heldBytes -= item.data.length;
        this.#output.push(item.data, item.dueMs);
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
    const chunks = rest.flatMap(({ data, atMs }) => (data === undefined ? [] : [{ data, atMs }]));
    return { chunks, ended: chunks.length < rest.length };
  }

  /** Lets go of what has left; a shift for each would cost a move of the whole queue. */
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
