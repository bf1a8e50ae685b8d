import { checkCost } from '../../core/bucket.ts';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { checkKnown, type OptionNames } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';
import type { Cost, NamedPolicy, Reservation, ReserveOptions } from '../limiter.ts';
import { checkCostNames, isByName, ownOf } from './policies.ts';

const MOST_MS = 7 * 86_400_000;
const DEFAULT_MEMORY_MS = 3_600_000;

const KNOWN_OPTIONS: OptionNames<ReserveOptions> = {
  of: 'a reservation',
  known: { cost: true, decisionId: true, expiresMs: true },
  hint: 'use { cost: 1000, expiresMs: 60_000 }',
};

/** The options of a reservation, with their defaults; `expiresMs` is 0 for never. Throws INVALID_OPTION. */
export function readReserveOptions(
  options: ReserveOptions = {},
  randomId: () => string,
): {
  readonly cost: Cost;
  readonly id: string;
  readonly expiresMs: number;
} {
  checkKnown(options, KNOWN_OPTIONS);
  const { cost = 1, decisionId: id = randomId(), expiresMs } = options;
  if (expiresMs === undefined) return { cost, id, expiresMs: 0 };
  return {
    cost,
    id,
    expiresMs: checkMs('expiresMs', expiresMs, 'leave it out for a reservation without end'),
  };
}

/** Checks how long a record of an unsettled reservation is stored, or returns the default. Throws INVALID_OPTION. */
export function checkReservationMemory(ms = DEFAULT_MEMORY_MS): number {
  return checkMs('reservationMemoryMs', ms, `the default is ${DEFAULT_MEMORY_MS}`);
}

function checkMs(name: string, ms: number, hint: string): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_MS) return ms;
  throw invalidOption(`${name} must be 1 to ${MOST_MS} whole milliseconds; found ${quoted(ms)}`, hint);
}

/** The error of every call on a denied reservation. */
export function deniedError(id: string): OpenclawError {
  return new OpenclawError('RESERVATION_UNKNOWN', `reservation ${id} was denied, so it holds no tokens`, {
    hint: 'look at allowed before the work begins',
  });
}

export const IS_SETTLED = 'is settled, so it cannot be extended';

/** The error of an extension after the settlement. */
export function settledError(id: string): OpenclawError {
  return new OpenclawError('RESERVATION_SETTLED', `reservation ${id} ${IS_SETTLED}`);
}

/** The error of a settlement above what one policy holds. */
export function aboveHeldError(
  id: string,
  { name, held, found }: { readonly name: string; readonly held: number; readonly found: number },
): OpenclawError {
  return new OpenclawError(
    'ACTUAL_ABOVE_HELD',
    `reservation ${id} holds ${held} tokens of policy ${name}; found ${found} to settle at`,
  );
}

/** The tokens of an extension for each policy; by name, 0 for a missing name. Throws INVALID_COST or COST_ABOVE_CAPACITY. */
export function extensionOf(cost: Cost, policies: readonly NamedPolicy[]): readonly number[] {
  checkCostNames(cost, policies);
  const tokens = policies.map(({ name, policy }) => {
    const own = isByName(cost) ? ownOf(cost, name, 0) : cost;
    if (own !== 0 || !isByName(cost)) checkCost(own, policy);
    return own;
  });
  if (tokens.some((own) => own > 0)) return tokens;
  throw new OpenclawError(
    'INVALID_COST',
    'an extension must cost at least one token of one policy; found none',
  );
}

/** The tokens to settle at for each policy; by name, -1 for a missing name: all that is held. Throws INVALID_COST. */
export function actualOf(actual: Cost, policies: readonly Pick<NamedPolicy, 'name'>[]): readonly number[] {
  checkCostNames(actual, policies);
  return policies.map(({ name }) => {
    const own = isByName(actual) ? ownOf(actual, name, undefined) : actual;
    if (own === undefined && isByName(actual)) return -1;
    if (Number.isSafeInteger(own) && Number(own) >= 0) return Number(own);
    throw new OpenclawError(
      'INVALID_COST',
      `settle takes a whole number of tokens, at least 0; found ${quoted(own)}`,
      { hint: 'settle at 0 to give back all that is held' },
    );
  });
}

/** The tokens to settle at, of each policy at most what is held. */
export function atMostHeld(actual: Cost, { held }: Reservation): Cost {
  const most = Object.entries(held).map(([name, tokens]) => {
    const used = typeof actual === 'number' ? actual : ownOf(actual, name, tokens);
    return [name, Math.min(tokens, used)];
  });
  return Object.fromEntries(most);
}
