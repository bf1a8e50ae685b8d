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

/** Calls `subject`, unchecked, or tells what to answer. Rejects only if `onError` throws or rejects. */
export async function askSubject<Args extends readonly unknown[]>(
  { subject, onError }: Pick<RateLimitOptions<Args>, 'subject' | 'onError'>,
  args: Args,
): Promise<{ readonly asked: Asked } | { readonly problem: Problem }> {
  try {
    const asked = await subject(...args);
    return asked === undefined || asked === null || hasNoUser(asked)
      ? { problem: badRequest(400, NO_USER) }
      : { asked };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) await onError?.(error, ...args);
    return { problem: problem ?? badRequest(400, NO_USER) };
  }
}

function hasNoUser(asked: Asked): boolean {
  return typeof asked === 'object' && [undefined, null, ''].includes(asked.user);
}

/** Checks the result of `subject`, and merges it with the options of the route. Throws INVALID_OPTION or INVALID_SUBJECT. */
export function readAsked(
  asked: Asked,
  { endpoint = asked.endpoint, cost = asked.cost }: RouteQuota,
  settle: unknown,
): Subject & ReserveOptions {
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
  const read: { -readonly [K in keyof (Subject & ReserveOptions)]: (Subject & ReserveOptions)[K] } = {
    user,
    endpoint,
  };
  if (cost !== undefined) read.cost = cost;
  if (decisionId !== undefined) read.decisionId = decisionId;
  if (expiresMs !== undefined) read.expiresMs = expiresMs;
  return read;
}

/** Fastify, Express and Hono send the message of an error with a status to the user. */
function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, status = statusCode } = error as { statusCode?: unknown; status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500
    ? badRequest(status, error.message)
    : undefined;
}
