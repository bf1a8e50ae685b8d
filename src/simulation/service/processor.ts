/** The one thread of a process, which works off what it gets in order. Microseconds. */
export class Processor {
  #freeUs = 0;

  /** When work that arrives then, and takes so long, is done. */
  done(arrivesUs: number, workUs: number): number {
    this.#freeUs = Math.max(this.#freeUs, arrivesUs) + workUs;
    return this.#freeUs;
  }
}
