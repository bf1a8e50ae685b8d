import type { Output } from '../toxic.ts';

/** Data on its way to a toxic, or the end. */
interface Step {
  readonly to: Output;
  readonly data: Buffer | undefined; // undefined: the end
  readonly atMs: number;
  readonly receivedMs: number;
}

/**
 * Passes data from toxic to toxic in a loop, in order. If toxics called each other, a long chain of them would need more
 * stack than there is.
 */
export class Relay {
  readonly #steps: Step[] = [];
  #isPassing = false;

  push(to: Output, data: Buffer, atMs: number, receivedMs: number): void {
    if (this.#isPassing) {
      this.#steps.push({ to, data, atMs, receivedMs });
      return;
    }
    this.#isPassing = true;
    to.push(data, atMs, receivedMs);
    this.#passRest();
  }

  end(to: Output, atMs: number): void {
    if (this.#isPassing) {
      this.#steps.push({ to, data: undefined, atMs, receivedMs: atMs });
      return;
    }
    this.#isPassing = true;
    to.end(atMs);
    this.#passRest();
  }

  #passRest(): void {
    const steps = this.#steps;
    if (steps.length > 0) {
      // More steps are added meanwhile.
      for (const { to, data, atMs, receivedMs } of steps) {
        if (data === undefined) to.end(atMs);
        else to.push(data, atMs, receivedMs);
      }
      steps.length = 0;
    }
    this.#isPassing = false;
  }
}
