const PAGE_BITS = 16;

/** A set of whole numbers below 2^32; dense numbers take one bit each. */
export class IndexSet {
  readonly #pages = new Map<number, Uint8Array<ArrayBuffer>>();
  #pageNumber = -1;
  #page = new Uint8Array(0);

  /** Adds a number; false if the set already has it. */
  add(index: number): boolean {
    const pageNumber = index >>> PAGE_BITS;
    if (pageNumber !== this.#pageNumber) this.#turnTo(pageNumber);
    const byte = (index & 0xffff) >>> 3;
    const bit = 1 << (index & 7);
    const before = this.#page[byte] as number;
    this.#page[byte] = before | bit;
    return (before & bit) === 0;
  }

  #turnTo(pageNumber: number): void {
    let page = this.#pages.get(pageNumber);
    if (page === undefined) {
      page = new Uint8Array(1 << (PAGE_BITS - 3));
      this.#pages.set(pageNumber, page);
    }
    this.#page = page;
    this.#pageNumber = pageNumber;
  }
}
