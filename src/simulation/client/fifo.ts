const MOST_GONE = 512;

/** First in, first out. Taking from the front of a long array would move all of the rest each time. */
export class Fifo<T> {
  readonly #items: T[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (this.#first < this.#items.length) this.#first++;
    if (this.#first === this.#items.length || this.#first >= MOST_GONE) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  takeAll(): T[] {
    const all = this.#items.splice(0).slice(this.#first);
    this.#first = 0;
    return all;
  }
}
