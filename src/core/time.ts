/** A timer that was started. */
export interface Timer {
  /** Does nothing once it has run. */
  cancel(): void;
}

/** The clocks and timers of one process. Strategies take the time from here only, so that they also run in virtual time. */
export interface Time {
  /** The monotonic clock, microseconds, not rounded. */
  nowUs(): number;
  /** The date, by a clock that can be set: milliseconds since 1970. */
  dateMs(): number;
  /** Calls once, `ms` milliseconds later; at once is later, too. The program keeps running until then with `keepsRunning` only. */
  after(ms: number, call: () => void, how?: { readonly keepsRunning?: boolean }): Timer;
  /** Calls every `ms` milliseconds. It does not keep the program running. */
  every(ms: number, call: () => void): Timer;
  /** Calls once, after all that waits for a promise that is settled now has gone on. */
  soon(call: () => void): void;
}

/** What a strategy takes from its process: time, and random numbers. */
export interface Surroundings {
  readonly time: Time;
  /** A whole number from 1 to `most`, each equally likely. */
  randomUpTo(most: number): number;
  /** An id that no other call gives. */
  randomId(): string;
}
