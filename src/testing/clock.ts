import { performance } from 'node:perf_hooks';
import { invalidOption } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';

/** Reads the clock of a recording: one moment as an interval of whole microseconds. */
export interface TakeClock {
  /** Whether it is the limiter's own clock. */
  readonly isLimiters: boolean;
  /** Throws INVALID_OPTION if the clock cannot be used any more. */
  read(): Moment;
}

export interface Moment {
  readonly downUs: number;
  readonly upUs: number;
}

/**
 * Captured when this module is loaded, and from the module of Node.js: fake timers replace the global `performance`, and
 * a mock may replace its method `now`.
 */
const monotonicMs = performance.now.bind(performance);
const ORIGIN_US = Math.round(performance.timeOrigin * 1_000);
const LoadedDate = Date;

/** Real time, since 1970 so that it can be compared with dates. No fake timer changes it. */
export const realClock: TakeClock = {
  isLimiters: false,
  read() {
    const us = monotonicMs() * 1_000;
    return { downUs: ORIGIN_US + Math.floor(us), upUs: ORIGIN_US + Math.ceil(us) };
  },
};

/**
 * Real time, as long as `Date` is real too. With a fake `Date` it is not known which of both clocks the limiter reads, and the
 * wrong one would accuse it.
 */
export function undeclaredClock(): TakeClock {
  const aheadMs = LoadedDate.now() - monotonicMs();
  return {
    isLimiters: false,
    read() {
      const isSteady = Math.abs(globalThis.Date.now() - monotonicMs() - aheadMs) < MOST_STEP_MS;
      if (globalThis.Date === LoadedDate && isSteady) return realClock.read();
      throw invalidOption(
        'Date is faked, and recordTakes does not know whether the limiter reads it',
        "give recordTakes the limiter's clock: now: () => Date.now(); or now: 'real' if fake timers do not reach it",
      );
    },
  };
}

/** A real Date may be stepped by the system; a fake one stands still or is advanced. */
const MOST_STEP_MS = 1_000;

/** The limiter's own clock, in milliseconds, as a test fakes it. It may stand still, and must not go back. */
export function virtualClock(nowMs: () => number): TakeClock {
  let lastUs = Number.NEGATIVE_INFINITY;
  return {
    isLimiters: true,
    read() {
      const ms: unknown = nowMs();
      const us = typeof ms === 'number' ? ms * 1_000 : Number.NaN;
      if (!(Math.abs(us) < Number.MAX_SAFE_INTEGER))
        throw invalidOption(
          `now must return milliseconds; found ${quoted(ms)}`,
          'give a function like () => Date.now()',
        );
      if (us < lastUs)
        throw invalidOption(
          `the clock of now went back from ${lastUs / 1_000} to ${us / 1_000} ms during the recording`,
          'start a new recording, with a new limiter, after the clock was set back',
        );
      lastUs = us;
      return { downUs: Math.floor(us), upUs: Math.ceil(us) };
    },
  };
}
