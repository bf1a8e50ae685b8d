import { closedError } from './errors.ts';

/** How long a limiter that is closed waits for its calls in flight: a call may be given more time, also to connect. */
const MOST_DRAIN_MS = 2_000;

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

  /** Resolves once every call has ended, at the latest after two seconds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#check();
    const timer = setTimeout(() => this.#resolve(), MOST_DRAIN_MS);
    await this.#idle;
    clearTimeout(timer);
  }

  #check(): void {
    if (this.#isClosed && this.#calls === 0) this.#resolve();
  }
}
