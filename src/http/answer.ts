import { type Decision, formatEvidence } from '../core/decision.ts';
import { isAskersFault, OpenclawError } from '../core/errors.ts';
import type { Cost, Limiter, NamedPolicy, Subject, TakeOptions } from '../limiter/limiter.ts';
import { checkName } from '../limiter/policy-name.ts';
import { rateLimitHeaders, violatedPolicies } from './headers.ts';
import { badRequest, PROBLEM_TYPE, type Problem, quotaExceeded, reducedCapacity } from './problem.ts';

/** Whom a request is charged to, and for how many tokens: what `Limiter.take` takes. */
export interface Asked extends TakeOptions {
  /** Without one the request is refused. */
  readonly user: string | null | undefined;
  readonly endpoint: string;
}

/** What is asked of a limiter here; any object that can do this is one. */
type Decider = Pick<Limiter, 'policiesOf' | 'take'>;

type MaybeAsked = Asked | null | undefined;

/** `Args` are what the framework gives to a handler: its request, or its context. */
export interface RateLimitOptions<Args extends readonly unknown[]> {
  readonly limiter: Decider;
  /**
   * Whom a request is charged to. Without a user, or when this throws, the request is refused with 400, or with the
   * `statusCode` or `status` of the error where that is a 4xx, whose message is then told to the user.
   */
  readonly subject: (...args: Args) => MaybeAsked | Promise<MaybeAsked>;
  /** What a limiter's only policy is called in headers and problems. Default: its own name, `default`. */
  readonly policyName?: string;
  /** Say in every reply who decided and when, in the `openclaw-decision` header. For tests only. Default false. */
  readonly evidence?: boolean;
  /**
   * Told of every decision, those of shadow mode among them. A promise is waited for; where this throws or rejects, the
   * request does not go on.
   */
  readonly onDecision?: (decision: Decision, ...args: Args) => unknown;
  /** Told why a request was refused undecided; its user is told a code. The same holds for a promise and for throwing. */
  readonly onError?: (error: unknown, ...args: Args) => unknown;
}

/** What one route has in place of what all have. */
export interface RouteQuota {
  readonly limiter?: Decider;
  readonly endpoint?: string;
  readonly cost?: Cost;
  readonly policyName?: string;
}

/** What to answer. Headers go into the reply of the application too, where the request may go on. */
export type Answer =
  | { readonly type: 'go-on'; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly problem: Problem;
    };

const UNDECIDED = 'The rate limit could not be decided; try again later.';
const NO_USER = 'The request does not say whose it is.';

/**
 * Makes the function that answers one request: it asks the limiter once, and never lets a request go on that was not
 * allowed. It rejects only where `onDecision` or `onError` throws or rejects. Throws INVALID_OPTION for a policy's name.
 */
export function answering<Args extends readonly unknown[]>(
  options: RateLimitOptions<Args>,
): (args: Args, route?: RouteQuota) => Promise<Answer> {
  if (options.policyName !== undefined) checkName(options.policyName);

  return async (args, route = {}) => {
    const limiter = route.limiter ?? options.limiter;
    const policyName = route.policyName ?? options.policyName;
    const asked = await ask(args, route);
    if ('status' in asked) return refused(asked);
    const { user, endpoint, ...takeOptions } = asked;
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
    if (decision.shadow !== undefined) headers['openclaw-shadow'] = decision.shadow;
    if (options.evidence) headers['openclaw-decision'] = formatEvidence(decision.evidence);
    return decision.allowed
      ? { type: 'go-on', headers }
      : refused(quotaExceeded(violatedPolicies(policies, decision)), headers);
  };

  async function ask(args: Args, route: RouteQuota): Promise<(Subject & TakeOptions) | Problem> {
    try {
      const asked = await options.subject(...args);
      if (typeof asked?.user !== 'string' || asked.user === '') return badRequest(400, NO_USER);
      const { user, decisionId } = asked;
      const { endpoint = asked.endpoint, cost = asked.cost } = route;
      return {
        user,
        endpoint,
        ...(cost !== undefined && { cost }),
        ...(decisionId !== undefined && { decisionId }),
      };
    } catch (error) {
      const problem = toldProblem(error);
      if (problem === undefined) await options.onError?.(error, ...args);
      return problem ?? badRequest(400, NO_USER);
    }
  }
}

/** The names of several policies are the limiter's own. */
function renamed(policies: readonly NamedPolicy[], policyName: string | undefined): readonly NamedPolicy[] {
  const [only, second] = policies;
  if (policyName === undefined || only === undefined || second !== undefined) return policies;
  return [{ name: checkName(policyName), policy: only.policy }];
}

/** Errors with a status are made to be told, in Fastify, Express and Hono alike. */
function toldProblem(error: unknown): Problem | undefined {
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
  if (isAskersFault(code)) return refused({ ...badRequest(400, error.message), code });
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
