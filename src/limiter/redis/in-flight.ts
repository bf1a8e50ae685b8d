import { closedError } from './errors.ts';

/** The calls of a connection that have not ended. It is closed for new ones first, and itself only after their ends. */
export class InFlight {
  #calls = 0;
  #isClosed = false;
  #resolve: () => void = () => {};
  readonly #idle = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Throws LIMITER_CLOSED. */
  begin(): void {
    if (this.#isClosed) throw closedError();
    this.#calls++;
  }

  end(): void {
    this.#calls--;
    this.#check();
  }

  /** Resolves once every call has ended; each does at the latest by its own timeout. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#check();
    return this.#idle;
  }

  #check(): void {
    if (this.#isClosed && this.#calls === 0) this.#resolve();
  }
}
