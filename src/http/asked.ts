import { invalidOption, OpenclawError } from '../core/errors.ts';
import { checkKnown, type OptionNames } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import type { ReserveOptions, Subject } from '../limiter/limiter.ts';
import type { Asked, RateLimitOptions, RouteQuota } from './options.ts';
import { badRequest, type Problem } from './problem.ts';

const NO_USER = 'The request has no user.';

const ASKED: OptionNames<Asked> = {
  of: 'the result of subject',
  known: { user: true, endpoint: true, cost: true, decisionId: true, expiresMs: true },
};

/** What `subject` returned, or the answer if it named no user. */
type Found = { readonly asked: Asked } | { readonly problem: Problem };

/**
 * Calls `subject`, unchecked, or tells what to answer. Throws and rejects only if `onError` does. Most functions return at
 * once: then so does this, since an await costs each request a promise and a turn of the microtasks.
 */
export function askSubject<Args extends readonly unknown[]>(
  options: Pick<RateLimitOptions<Args>, 'subject' | 'onError'>,
  args: Args,
): Found | Promise<Found> {
  try {
    const asked = options.subject(...args);
    return isThenable(asked)
      ? Promise.resolve(asked)
          .then(foundIn)
          .catch((error) => notAsked(error, options, args))
      : foundIn(asked);
  } catch (error) {
    return notAsked(error, options, args);
  }
}

/** Whether a function of the caller goes on after its return. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && (typeof value === 'object' || typeof value === 'function') && 'then' in value;
}

function foundIn(asked: Asked | undefined | null): Found {
  return asked === undefined || asked === null || hasNoUser(asked)
    ? { problem: badRequest(400, NO_USER) }
    : { asked };
}

async function notAsked<Args extends readonly unknown[]>(
  error: unknown,
  { onError }: Pick<RateLimitOptions<Args>, 'onError'>,
  args: Args,
): Promise<Found> {
  const problem = problemOf(error);
  if (problem === undefined) await onError?.(error, ...args);
  return { problem: problem ?? badRequest(400, NO_USER) };
}

function hasNoUser(asked: Asked): boolean {
  return typeof asked === 'object' && [undefined, null, ''].includes(asked.user);
}

/** Checks the result of `subject`, and merges it with the options of the route. Throws INVALID_OPTION or INVALID_SUBJECT. */
export function readAsked(
  asked: Asked,
  { endpoint = asked.endpoint, cost = asked.cost }: RouteQuota,
  settle: unknown,
): { readonly subject: Subject; readonly options: ReserveOptions } {
  checkKnown(asked, ASKED);
  const { user, decisionId, expiresMs } = asked;
  if (typeof user !== 'string')
    throw new OpenclawError(
      'INVALID_SUBJECT',
      `user in the result of subject must be text; found ${shown(user)}`,
    );
  if (expiresMs !== undefined && settle === undefined)
    throw invalidOption(
      'expiresMs in the result of subject requires option settle',
      'add settle, or remove expiresMs',
    );
  const options: { -readonly [K in keyof ReserveOptions]: ReserveOptions[K] } = {};
  if (cost !== undefined) options.cost = cost;
  if (decisionId !== undefined) options.decisionId = decisionId;
  if (expiresMs !== undefined) options.expiresMs = expiresMs;
  return { subject: { user, endpoint }, options };
}

/** Fastify, Express and Hono send the message of an error with a status to the user. */
function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, status = statusCode } = error as { statusCode?: unknown; status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500
    ? badRequest(status, error.message)
    : undefined;
}
