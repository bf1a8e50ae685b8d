/** What a chain can hold. It is in one chain at a time, which alone writes these. */
export interface Linked<T> {
  isLinked: boolean;
  before: T | undefined;
  after: T | undefined;
}

/**
 * Objects in the order in which they came, each of which can leave at any time. A Set that thousands come to and leave
 * keeps those of its old tables alive: V8 links each table to the next, so a collection copies what is over.
 */
export class Chain<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  /** The oldest. */
  get first(): T | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an object that is in no chain. */
  add(item: T): void {
    const last = this.#last;
    item.isLinked = true;
    item.before = last;
    if (last === undefined) this.#first = item;
    else last.after = item;
    this.#last = item;
    this.#size++;
  }

  /** Removes an object of this chain; false if it has left already. */
  remove(item: T): boolean {
    if (!item.isLinked) return false;
    const { before, after } = item;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    item.isLinked = false;
    item.before = undefined;
    item.after = undefined;
    this.#size--;
    return true;
  }
}
