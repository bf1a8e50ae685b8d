import { invalidOption, OpenclawError } from '../core/errors.ts';
import { shown } from '../core/printable.ts';
import type { Cost, Limiter, Reservation, ReserveOptions, Subject } from '../limiter/limiter.ts';
import { atMostHeld } from '../limiter/options/reserve-options.ts';
import type { RateLimitOptions } from './options.ts';

/** Reserves with a limiter of the options or of a route. Throws INVALID_OPTION if it has no `reserve`. */
export function reserve(
  limiter: Partial<Pick<Limiter, 'reserve'>>,
  subject: Subject,
  options: ReserveOptions,
): Promise<Reservation> {
  if (typeof limiter.reserve === 'function') return limiter.reserve(subject, options);
  throw invalidOption('option settle requires limiters with a function reserve', 'use one of createLimiter');
}

interface MaySettle<Done extends readonly unknown[]> {
  readonly settle?: ((...done: Done) => Promise<void>) | undefined;
}

/** The settlements of one middleware that are still to be made, from the moment that their requests are decided. */
export class OpenSettlements<Done extends readonly unknown[]> {
  readonly #open = new Set<Promise<void>>();

  /** Decides a request. If it is to be settled, it is open until then, and settled once. */
  async keep<Answered extends MaySettle<Done>>(decide: () => Promise<Answered>): Promise<Answered> {
    const end = this.#begin();
    let settle: MaySettle<Done>['settle'];
    try {
      const answered = await decide();
      settle = answered.settle;
      if (settle === undefined) return answered;
      return { ...answered, settle: once(settle, end) };
    } finally {
      if (settle === undefined) end();
    }
  }

  /** Opens one, and returns the function that ends it. */
  #begin(): () => void {
    let resolve = () => {};
    const over = new Promise<void>((done) => {
      resolve = done;
    });
    this.#open.add(over);
    return () => {
      this.#open.delete(over);
      resolve();
    };
  }

  /** Resolves once all that are open now have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }
}

function once<Done extends readonly unknown[]>(
  settle: (...done: Done) => Promise<void>,
  end: () => void,
): (...done: Done) => Promise<void> {
  let settled: Promise<void> | undefined;
  return (...done) => {
    settled ??= settle(...done).finally(end);
    return settled;
  };
}

/**
 * Makes the function that settles a reservation after its response. It reports every error to `onError`, and to `warn` if
 * there is none or if it fails itself.
 */
export function settling<Args extends readonly unknown[], Done extends readonly unknown[]>(
  { settle, onError }: RateLimitOptions<Args, Done>,
  reservation: Reservation,
  { args, warn }: { readonly args: Args; readonly warn: Warn },
): (...done: Done) => Promise<void> {
  const report = async (error: unknown) => {
    if (onError === undefined) return warn(error);
    try {
      await onError(error, ...args);
    } catch (own) {
      warn(error, own); // the response has ended: no request is left to fail
    }
  };
  const settleAt = (cost: Cost) => reservation.settle(cost).catch(report);
  return async (...done) => {
    const actual = await actualOf(async () => settle?.(reservation, ...done), report);
    try {
      await reservation.settle(actual);
    } catch (error) {
      const code = error instanceof OpenclawError ? error.code : undefined;
      if (code === 'ACTUAL_ABOVE_HELD') await settleAt(atMostHeld(actual, reservation));
      if (code === 'INVALID_COST') await settleAt({}); // a name that no policy has
      await report(error);
    }
  };
}

/** `ofOnError` is the error of `onError` itself. */
type Warn = (error: unknown, ofOnError?: unknown) => void;

/** Makes the function that warns of the first error of a middleware, where there is a process. */
export function warningOnce(): Warn {
  let isWarned = false;
  return (error, ofOnError) => {
    if (isWarned) return;
    isWarned = true;
    const { process } = globalThis as { process?: { emitWarning?(text: string, type: string): void } };
    const wayOut =
      ofOnError === undefined
        ? 'add onError, which gets each of them'
        : `onError failed too: ${messageOf(ofOnError)}`;
    process?.emitWarning?.(
      `rateLimit could not settle a reservation: ${messageOf(error)}. Its tokens may stay spent. Later errors are not shown; ${wayOut}.`,
      'OpenclawWarning',
    );
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : shown(error);
}

/** What `settle` returns; if that is no cost, nothing, so that all tokens stay spent. */
async function actualOf(
  settle: () => Promise<Cost | undefined>,
  report: (error: unknown) => Promise<void>,
): Promise<Cost> {
  try {
    const actual = await settle();
    if (isActual(actual)) return actual;
    throw invalidOption(
      `settle must return whole numbers of tokens, at least 0; found ${shown(actual)}`,
      'all tokens that are held stay spent; return 0 to give them back',
    );
  } catch (error) {
    await report(error);
    return {};
  }
}

function isActual(actual: unknown): actual is Cost {
  if (typeof actual === 'number') return Number.isSafeInteger(actual) && actual >= 0;
  return (
    typeof actual === 'object' &&
    actual !== null &&
    !Array.isArray(actual) &&
    Object.values(actual).every((tokens) => typeof tokens === 'number' && isActual(tokens))
  );
}
