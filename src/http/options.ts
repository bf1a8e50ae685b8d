import type { Decision } from '../core/decision.ts';
import { invalidOption } from '../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import { isStrategy, STRATEGY_NAMES, traitsOf } from '../core/strategies.ts';
import type { Cost, Limiter, Reservation, TakeOptions } from '../limiter/limiter.ts';
import { checkName } from '../limiter/options/policies.ts';

/** The subject and options of `Limiter.take` for one request. */
export interface Asked extends TakeOptions {
  /** A request without a user is rejected with 400. */
  readonly user: string | null | undefined;
  readonly endpoint: string;
  /** With `settle`: as in `ReserveOptions`. */
  readonly expiresMs?: number;
}

/** The methods of a limiter that the middlewares use: `reserve` with `settle`. */
type Decider = Pick<Limiter, 'policiesOf' | 'take'> & Partial<Pick<Limiter, 'reserve'>>;

type MaybeAsked = Asked | null | undefined;

/**
 * The options of every middleware. `Args` are the arguments of a handler: its request, or its context. `Done` are those
 * with its response.
 */
export interface RateLimitOptions<Args extends readonly unknown[], Done extends readonly unknown[] = Args> {
  readonly limiter: Decider;
  /**
   * Returns user, endpoint and cost of a request. The request is rejected with 400 if there is no user or this throws. An
   * error with a `statusCode` or `status` of 4xx sets the status, and its message is sent to the user.
   */
  readonly subject: (...args: Args) => MaybeAsked | Promise<MaybeAsked>;
  /** The name of the limiter's only policy in headers and problem documents. Default: its own name, `default`. */
  readonly policyName?: string;
  /** Sends the evidence of every decision in the `openclaw-decision` header. For tests only. Default false. */
  readonly evidence?: boolean;
  /**
   * Called with every decision, also in shadow mode. The request waits for a returned promise; if this throws or rejects,
   * the handler is not called.
   */
  readonly onDecision?: (decision: Decision, ...args: Args) => unknown;
  /** Called with the error of an undecided request; the user gets its code. Promises and errors as in `onDecision`. */
  readonly onError?: (error: unknown, ...args: Args) => unknown;
  /**
   * Reserves the cost instead of taking it, and is called once the response has ended or its connection is closed: it
   * returns the tokens to settle at, as `Reservation.settle` takes them. More than is held is settled at what is held.
   * If it throws or rejects, all that is held stays spent. `onError` is then called, and if the settlement fails.
   */
  readonly settle?: (reservation: Reservation, ...done: Done) => Cost | Promise<Cost>;
}

/** What a middleware can do besides limiting. */
export interface Settling {
  /**
   * Resolves once the settlements begun so far, and those of responses that are still open, are made or failed; at once
   * without option `settle`. For a shutdown, after the server has stopped and before the limiter is closed.
   */
  settled(): Promise<void>;
}

/** The options that one route overrides. */
export interface RouteQuota {
  readonly limiter?: Decider;
  readonly endpoint?: string;
  readonly cost?: Cost;
  readonly policyName?: string;
}

/** Unchecked, of any framework. */
type Options = { readonly [Name in keyof RateLimitOptions<readonly []>]?: unknown };

/** The names of the options of every middleware. */
export const KNOWN: Known<Options> = {
  limiter: true,
  subject: true,
  policyName: true,
  evidence: true,
  onDecision: true,
  onError: true,
  settle: true,
};

const OF = 'rateLimit';
const USE = "use { limiter, subject: (request) => ({ user: 'ada', endpoint: 'search' }) }";

/** Checks the options of a middleware; `known` are their names. Throws INVALID_OPTION. */
export function checkOptions(options: Options, known: Readonly<Record<string, true>> = KNOWN): void {
  const isObject = typeof options === 'object' && options !== null;
  checkKnown(options, {
    ...{ of: OF, isFunction: true, known: known as Known<Options> },
    ...(!isObject && { hint: USE }),
  });
  const { limiter, subject, policyName, settle } = options;
  checkLimiter(limiter, OF);
  if (settle !== undefined) checkReserving(limiter as Decider, OF);
  if (typeof subject !== 'function')
    throw invalidOption(`option subject of ${OF} must be a function; found ${shown(subject)}`, USE);
  checkTypes(options, {
    of: OF,
    types: {
      policyName: 'string',
      evidence: 'boolean',
      onDecision: 'function',
      onError: 'function',
      settle: 'function',
    },
  });
  if (typeof policyName === 'string') checkName(policyName);
}

const KNOWN_OF_ROUTE: Known<RouteQuota> = { limiter: true, endpoint: true, cost: true, policyName: true };
const OF_ROUTE = 'config.quota';
const USE_OF_ROUTE = 'use config: { quota: { cost: 4 } }, or quota: false for a route without a limit';

/** Checks the options of a route; `settle` is that of the middleware. Throws INVALID_OPTION. */
export function checkRouteQuota(quota: RouteQuota, settle: unknown): void {
  checkKnown(quota, { of: OF_ROUTE, known: KNOWN_OF_ROUTE, hint: USE_OF_ROUTE });
  const { limiter, cost, policyName } = quota;
  if (limiter !== undefined) checkLimiter(limiter, OF_ROUTE);
  if (limiter !== undefined && settle !== undefined) checkReserving(limiter, OF_ROUTE);
  checkTypes(quota, { of: OF_ROUTE, types: { endpoint: 'string', policyName: 'string' } });
  if (cost !== undefined && !isCost(cost))
    throw invalidOption(
      `option cost of ${OF_ROUTE} must be a whole number of tokens, at least 1, or such numbers by policy; found ${shown(cost)}`,
      USE_OF_ROUTE,
    );
  if (policyName !== undefined) checkName(policyName);
}

function checkLimiter(limiter: unknown, of: string): void {
  const { take, policiesOf } = (limiter ?? {}) as Partial<Decider>;
  if (typeof take === 'function' && typeof policiesOf === 'function') return;
  throw invalidOption(
    `option limiter of ${of} must have functions take and policiesOf; found ${shown(limiter)}`,
    "use limiter: createLimiter({ policy: '20:5/s', redis })",
  );
}

/** A wrapper has the strategy of its limiter; a limiter of another package has none. */
function checkReserving(limiter: Decider & { readonly strategy?: string }, of: string): void {
  if (typeof limiter.reserve !== 'function')
    throw invalidOption(
      `option limiter of ${of} must have a function reserve with option settle; found ${shown(limiter)}`,
      'remove settle, or use a limiter of createLimiter',
    );
  const { strategy } = limiter;
  if (strategy === undefined || !isStrategy(strategy) || traitsOf(strategy).reserves) return;
  throw invalidOption(
    `option limiter of ${of} must be able to reserve with option settle; found strategy ${strategy}`,
    `remove settle, or use strategy ${STRATEGY_NAMES.filter((name) => traitsOf(name).reserves).join(' or ')}`,
  );
}

function isCost(cost: Cost): boolean {
  if (typeof cost !== 'object') return isTokens(cost);
  return cost !== null && !Array.isArray(cost) && Object.values(cost).every(isTokens);
}

function isTokens(cost: unknown): boolean {
  return Number.isSafeInteger(cost) && Number(cost) >= 1;
}
