import { type Decision, formatEvidence } from '../core/decision.ts';
import { isInvalidRequest, OpenclawError } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import type { NamedPolicy, Reservation, ReserveOptions, Subject } from '../limiter/limiter.ts';
import { rateLimitHeaders, violatedPolicies } from './headers.ts';
import { checkOptions, checkRouteQuota, type RateLimitOptions, type RouteQuota } from './options.ts';
import { badRequest, PROBLEM_TYPE, type Problem, quotaExceeded, reducedCapacity } from './problem.ts';
import { reserve, settling } from './settle.ts';

/** The result for one request. With `go-on` the headers are added to the application's reply. */
export type Answer<Done extends readonly unknown[] = readonly []> =
  | {
      readonly type: 'go-on';
      readonly headers: Readonly<Record<string, string>>;
      /** With option `settle`: to be called once the response has ended. It never throws or rejects. */
      readonly settle?: (...done: Done) => Promise<void>;
    }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly problem: Problem;
    };

const UNDECIDED = 'The rate limit could not be decided; try again later.';
const NO_USER = 'The request has no user.';

/**
 * Makes the function that decides one request. It calls the limiter once, and only an allowed request goes on. It rejects
 * only if `onDecision` or `onError` throws or rejects. `known` are the names of the options, if there are more than those
 * of every middleware. Throws INVALID_OPTION for wrong options.
 */
export function answering<Args extends readonly unknown[], Done extends readonly unknown[] = Args>(
  options: RateLimitOptions<Args, Done>,
  known?: Readonly<Record<string, true>>,
): (args: Args, route?: RouteQuota) => Promise<Answer<Done>> {
  checkOptions(options, known);

  return async (args, route = {}) => {
    try {
      checkRouteQuota(route);
    } catch (error) {
      return failed(error, [], args);
    }
    const request = await readRequest(args, route);
    if ('status' in request) return refused(request);
    const { user, endpoint, ...takeOptions } = request;
    let policies: readonly NamedPolicy[] = [];
    let decision: Decision;
    let reservation: Reservation | undefined;
    try {
      const limiter = route.limiter ?? options.limiter;
      const policyName = route.policyName ?? options.policyName;
      policies = renamed(limiter.policiesOf({ user, endpoint }), policyName);
      if (options.settle !== undefined) reservation = await reserve(limiter, { user, endpoint }, takeOptions);
      decision = reservation?.decision ?? (await limiter.take({ user, endpoint }, takeOptions));
    } catch (error) {
      return failed(error, policies, args);
    }
    await options.onDecision?.(decision, ...args);
    const headers = rateLimitHeaders(policies, decision);
    if (decision.shadow !== undefined) headers[HEADERS.shadow] = decision.shadow;
    if (decision.stated !== undefined) headers[HEADERS.stated] = JSON.stringify(decision.stated);
    if (options.evidence) headers[HEADERS.decision] = formatEvidence(decision.evidence);
    if (options.evidence && reservation?.allowed) headers[HEADERS.settled] = 'later';
    return decision.allowed
      ? { type: 'go-on', headers, ...(reservation && { settle: settling(options, reservation, args) }) }
      : refused(quotaExceeded(violatedPolicies(policies, decision)), headers);
  };

  async function failed(error: unknown, policies: readonly NamedPolicy[], args: Args): Promise<Answer> {
    await options.onError?.(error, ...args);
    return undecided(error, policies);
  }

  async function readRequest(args: Args, route: RouteQuota): Promise<(Subject & ReserveOptions) | Problem> {
    try {
      const subject = await options.subject(...args);
      if (typeof subject?.user !== 'string' || subject.user === '') return badRequest(400, NO_USER);
      const { user, decisionId, expiresMs } = subject;
      const { endpoint = subject.endpoint, cost = subject.cost } = route;
      return {
        user,
        endpoint,
        ...(cost !== undefined && { cost }),
        ...(decisionId !== undefined && { decisionId }),
        ...(expiresMs !== undefined && { expiresMs }),
      };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) await options.onError?.(error, ...args);
      return problem ?? badRequest(400, NO_USER);
    }
  }
}

/** `policyName` renames only a single policy. */
function renamed(policies: readonly NamedPolicy[], policyName: string | undefined): readonly NamedPolicy[] {
  const [only, second] = policies;
  if (policyName === undefined || only === undefined || second !== undefined) return policies;
  return [{ name: policyName, policy: only.policy }];
}

/** Fastify, Express and Hono send the message of an error with a status to the user. */
function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, status = statusCode } = error as { statusCode?: unknown; status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500
    ? badRequest(status, error.message)
    : undefined;
}

function undecided(error: unknown, policies: readonly NamedPolicy[]): Answer {
  if (!(error instanceof OpenclawError))
    return refused(reducedCapacity({ detail: UNDECIDED, code: 'INTERNAL', charge: 'possible' }));
  const { code, charge } = error;
  if (isInvalidRequest(code)) return refused({ ...badRequest(400, error.message), code });
  return refused(reducedCapacity({ detail: UNDECIDED, code, charge }), rateLimitHeaders(policies, undefined));
}

function refused(problem: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    type: 'refused',
    status: problem.status,
    headers: { ...headers, 'content-type': PROBLEM_TYPE },
    problem,
  };
}
