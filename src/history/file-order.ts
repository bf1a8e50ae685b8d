import type { FileOrder } from './history.ts';

/** Measures how far the operations of a file are from the order of time. Microseconds. */
export class OrderOf {
  #startUs = Number.NEGATIVE_INFINITY;
  #endUs = Number.NEGATIVE_INFINITY;
  #startsOffUs = 0;
  #endsOffUs = 0;
  #pauseUs = 0;

  /** Adds the next operation of the file; `endUs` is NaN if its end is unknown. */
  add(startUs: number, endUs: number): void {
    if (startUs >= this.#startUs) this.#startUs = startUs;
    else if (this.#startUs - startUs > this.#startsOffUs) this.#startsOffUs = this.#startUs - startUs;
    if (endUs >= this.#endUs) {
      if (endUs - this.#endUs > this.#pauseUs && this.#endUs !== Number.NEGATIVE_INFINITY)
        this.#pauseUs = endUs - this.#endUs;
      this.#endUs = endUs;
    } else if (this.#endUs - endUs > this.#endsOffUs) this.#endsOffUs = this.#endUs - endUs;
  }

  /** The disorder by ends or by starts, the smaller of the two. */
  facts({ isEnded, mayGoOn }: { isEnded: boolean; mayGoOn: boolean }): FileOrder {
    const disorderUs = isEnded ? 0 : Math.min(this.#startsOffUs, this.#endsOffUs);
    return { disorderUs, pauseUs: this.#pauseUs, mayGoOn };
  }
}
