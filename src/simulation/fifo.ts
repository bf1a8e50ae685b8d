const FIRST_LENGTH = 8;

/** First in, first out: a ring, whose length is a power of two. */
export class Fifo<T> {
  #items: (T | undefined)[] = new Array(FIRST_LENGTH).fill(undefined);
  #first = 0;
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get first(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    if (this.#count === this.#items.length) this.#grow();
    this.#items[(this.#first + this.#count++) & (this.#items.length - 1)] = item;
  }

  shift(): T | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#count--;
    return item;
  }

  takeAll(): T[] {
    const all: T[] = [];
    while (this.#count > 0) all.push(this.shift() as T);
    return all;
  }

  #grow(): void {
    const { length } = this.#items;
    const inOrder = [...this.#items.slice(this.#first), ...this.#items.slice(0, this.#first)];
    this.#items = [...inOrder, ...new Array<undefined>(length).fill(undefined)];
    this.#first = 0;
  }
}
