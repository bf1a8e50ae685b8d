import type { FileOrder } from './history.ts';

/** Follows how the operations of a file are ordered. Microseconds. */
export class OrderOf {
  #startUs = Number.NEGATIVE_INFINITY;
  #endUs = Number.NEGATIVE_INFINITY;
  #startsOffUs = 0;
  #endsOffUs = 0;
  #pauseUs = 0;

  /** The next one in the file; `endUs` is NaN where its end was not seen. */
  add(startUs: number, endUs: number): void {
    if (startUs >= this.#startUs) this.#startUs = startUs;
    else if (this.#startUs - startUs > this.#startsOffUs) this.#startsOffUs = this.#startUs - startUs;
    if (endUs >= this.#endUs) {
      if (endUs - this.#endUs > this.#pauseUs && this.#endUs !== Number.NEGATIVE_INFINITY)
        this.#pauseUs = endUs - this.#endUs;
      this.#endUs = endUs;
    } else if (this.#endUs - endUs > this.#endsOffUs) this.#endsOffUs = this.#endUs - endUs;
  }

  /** A file is in the order of ends, or of starts, as far as it is in the better of the two. */
  facts({ isEnded }: { isEnded: boolean }): FileOrder {
    return { disorderUs: isEnded ? 0 : Math.min(this.#startsOffUs, this.#endsOffUs), pauseUs: this.#pauseUs };
  }
}
