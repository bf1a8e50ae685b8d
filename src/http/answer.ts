import { type Decision, formatEvidence } from '../core/decision.ts';
import { isInvalidRequest, OpenclawError } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import type { Cost, Limiter, NamedPolicy, Subject, TakeOptions } from '../limiter/limiter.ts';
import { checkName } from '../limiter/options/policies.ts';
import { rateLimitHeaders, violatedPolicies } from './headers.ts';
import { badRequest, PROBLEM_TYPE, type Problem, quotaExceeded, reducedCapacity } from './problem.ts';

/** The subject and options of `Limiter.take` for one request. */
export interface Asked extends TakeOptions {
  /** A request without a user is rejected with 400. */
  readonly user: string | null | undefined;
  readonly endpoint: string;
}

/** The methods of a limiter that the middlewares use. */
type Decider = Pick<Limiter, 'policiesOf' | 'take'>;

type MaybeAsked = Asked | null | undefined;

/** The options of every middleware. `Args` are the arguments of a handler: its request, or its context. */
export interface RateLimitOptions<Args extends readonly unknown[]> {
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
}

/** The options that one route overrides. */
export interface RouteQuota {
  readonly limiter?: Decider;
  readonly endpoint?: string;
  readonly cost?: Cost;
  readonly policyName?: string;
}

/** The result for one request. With `go-on` the headers are added to the application's reply. */
export type Answer =
  | { readonly type: 'go-on'; readonly headers: Readonly<Record<string, string>> }
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
 * only if `onDecision` or `onError` throws or rejects. Throws INVALID_OPTION for an invalid policy name.
 */
export function answering<Args extends readonly unknown[]>(
  options: RateLimitOptions<Args>,
): (args: Args, route?: RouteQuota) => Promise<Answer> {
  if (options.policyName !== undefined) checkName(options.policyName);

  return async (args, route = {}) => {
    const limiter = route.limiter ?? options.limiter;
    const policyName = route.policyName ?? options.policyName;
    const request = await readRequest(args, route);
    if ('status' in request) return refused(request);
    const { user, endpoint, ...takeOptions } = request;
    let policies: readonly NamedPolicy[] = [];
    let decision: Decision;
    try {
      policies = renamed(limiter.policiesOf({ user, endpoint }), policyName);
      decision = await limiter.take({ user, endpoint }, takeOptions);
    } catch (error) {
      await options.onError?.(error, ...args);
      return undecided(error, policies);
    }
    await options.onDecision?.(decision, ...args);
    const headers = rateLimitHeaders(policies, decision);
    if (decision.shadow !== undefined) headers[HEADERS.shadow] = decision.shadow;
    if (decision.stated !== undefined) headers[HEADERS.stated] = JSON.stringify(decision.stated);
    if (options.evidence) headers[HEADERS.decision] = formatEvidence(decision.evidence);
    return decision.allowed
      ? { type: 'go-on', headers }
      : refused(quotaExceeded(violatedPolicies(policies, decision)), headers);
  };

  async function readRequest(args: Args, route: RouteQuota): Promise<(Subject & TakeOptions) | Problem> {
    try {
      const subject = await options.subject(...args);
      if (typeof subject?.user !== 'string' || subject.user === '') return badRequest(400, NO_USER);
      const { user, decisionId } = subject;
      const { endpoint = subject.endpoint, cost = subject.cost } = route;
      return {
        user,
        endpoint,
        ...(cost !== undefined && { cost }),
        ...(decisionId !== undefined && { decisionId }),
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
  return [{ name: checkName(policyName), policy: only.policy }];
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
