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

/** Makes the function that settles a reservation after its response. It reports every error to `onError`. */
export function settling<Args extends readonly unknown[], Done extends readonly unknown[]>(
  { settle, onError }: RateLimitOptions<Args, Done>,
  reservation: Reservation,
  args: Args,
): (...done: Done) => Promise<void> {
  const report = async (error: unknown) => {
    try {
      await onError?.(error, ...args);
    } catch {} // the response has ended: no request is left to fail
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
