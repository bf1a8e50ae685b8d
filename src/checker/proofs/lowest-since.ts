/** Finds the lowest level since a time. A level is kept while no later one is lower, so the kept ones are ascending. */
export class LowestSince {
  #times = new Float64Array(256);
  #levels = new Float64Array(256);
  #size = 0;

  clear(): void {
    this.#size = 0;
  }

  add(timeUs: number, level: number): void {
    while (this.#size > 0 && (this.#levels[this.#size - 1] as number) >= level) this.#size--;
    if (this.#size === this.#times.length) this.#grow();
    this.#times[this.#size] = timeUs;
    this.#levels[this.#size++] = level;
  }

  /** The lowest level added at `timeUs` or later, and its time. */
  since(timeUs: number): { level: number; atUs: number } {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) >= timeUs) high = middle;
      else low = middle + 1;
    }
    return { level: this.#levels[low] as number, atUs: this.#times[low] as number };
  }

  #grow(): void {
    const [times, levels] = [this.#times, this.#levels];
    this.#times = new Float64Array(2 * this.#size);
    this.#levels = new Float64Array(2 * this.#size);
    this.#times.set(times);
    this.#levels.set(levels);
  }
}
