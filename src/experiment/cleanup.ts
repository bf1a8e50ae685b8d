import { withTimeout } from '../limiter/with-timeout.ts';

interface Step {
  readonly what: string;
  readonly undo: () => Promise<void>;
  readonly kill: (() => void) | undefined;
}

/** Longer than any step takes by itself: containers get 30 s, a replica that takes over 10 s and more. */
const STEP_MS = 90_000;

/** The steps that must be undone at the end of a run, in reverse order, also when it fails. */
export class Cleanup {
  readonly #stepMs: number;
  readonly #steps: Step[] = [];

  constructor({ stepMs = STEP_MS } = {}) {
    this.#stepMs = stepMs;
  }

  /** `kill` ends at once, by SIGKILL, what `undo` would end. */
  add(what: string, undo: () => Promise<void>, kill?: () => void): void {
    this.#steps.push({ what, undo, kill });
  }

  /** Undoes every step, also after one fails or takes too long; gives a sentence for each failure. */
  async run(): Promise<string[]> {
    const failures: string[] = [];
    for (let next = this.#steps.at(-1); next !== undefined; next = this.#steps.at(-1)) {
      const { what, undo, kill } = next;
      await withTimeout(this.#stepMs, undo(), () => {
        throw new Error(`not done after ${this.#stepMs / 1_000} s`);
      }).catch((error: unknown) => {
        kill?.();
        failures.push(`${what}: ${String(error)}`);
      });
      this.#steps.splice(this.#steps.indexOf(next), 1); // a start that goes on may have added one
    }
    return failures;
  }

  /** Kills what is left to undo, for a program that has to exit now. */
  kill(): void {
    for (const { kill } of [...this.#steps].reverse()) kill?.();
  }
}
