/** With fewer first takes in two windows, tokens that are borrowed for nothing cost too few calls to matter. */
const FEW = 100;

/**
 * Counts how many users come again soon. With very many users most come once: tokens that were borrowed ahead for them
 * would cost a second call each, which returns them.
 */
export class ReturningUsers {
  #window = 0;
  /** First and second takes in a row: of this window, and half of those before. */
  #first = 0;
  #second = 0;

  note(takesInRow: number, window: number): void {
    if (window !== this.#window) {
      this.#window = window;
      this.#first /= 2;
      this.#second /= 2;
    }
    if (takesInRow === 1) this.#first++;
    if (takesInRow === 2) this.#second++;
  }

  /** Whether at least half of the users who came came again. True of few. */
  get areMost(): boolean {
    return this.#first < FEW || 2 * this.#second >= this.#first;
  }
}
