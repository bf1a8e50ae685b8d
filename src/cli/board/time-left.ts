/** Estimates how long the rest of a list of runs takes. */
export class TimeLeft {
  readonly #nowMs: () => number;
  #left: number;
  #measured = 0;
  #totalMs = 0;

  /** `left`: how many have not been looked at. */
  constructor(left: number, nowMs: () => number) {
    this.#left = left;
    this.#nowMs = nowMs;
  }

  /** How many have been measured here. */
  get count(): number {
    return this.#measured;
  }

  /** One more has been looked at. */
  passed(): void {
    this.#left--;
  }

  /** Measures one. What fails does not count. */
  async measured<T>(measure: () => Promise<T>): Promise<T> {
    const startMs = this.#nowMs();
    const result = await measure();
    this.#measured++;
    this.#totalMs += this.#nowMs() - startMs;
    return result;
  }

  /** Like `, about 1 h 20 min left`; of those that may still have to be measured, as long as those that were. */
  text(): string {
    const eachMs = this.#measured === 0 ? EACH_MS : this.#totalMs / this.#measured;
    const minutes = Math.ceil((this.#left * eachMs) / 60_000);
    const hours = Math.floor(minutes / 60);
    return `, about ${hours === 0 ? '' : `${hours} h `}${minutes % 60} min left`;
  }
}

/** A run of 16 s with a cluster of its own. */
const EACH_MS = 35_000;
