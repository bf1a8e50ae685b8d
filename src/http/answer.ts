import { type Decision, formatEvidence } from '../core/decision.ts';
import { isInvalidRequest, OpenclawError } from '../core/errors.ts';
import { HEADERS } from '../core/header-names.ts';
import type { NamedPolicy, Reservation } from '../limiter/limiter.ts';
import { askSubject, isThenable, readAsked } from './asked.ts';
import { rateLimitHeaders, violatedPolicies } from './headers.ts';
import { checkOptions, checkRouteQuota, type RateLimitOptions, type RouteQuota } from './options.ts';
import { badRequest, PROBLEM_TYPE, type Problem, quotaExceeded, reducedCapacity } from './problem.ts';
import { OpenSettlements, reserve, settling, warningOnce } from './settle.ts';

/**
 * The result for one request. With `go-on` the headers are added to the application's reply; `failed` is the error of
 * `onDecision`, which the framework gets. With option `settle`, its function is to be called once the response has ended:
 * it settles once, and never throws or rejects.
 */
export type Answer<Done extends readonly unknown[] = readonly []> =
  | {
      readonly type: 'go-on';
      readonly headers: Readonly<Record<string, string>>;
      readonly settle?: (...done: Done) => Promise<void>;
    }
  | {
      readonly type: 'failed';
      readonly error: unknown;
      readonly settle?: (...done: Done) => Promise<void>;
    }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly problem: Problem;
      readonly settle?: undefined;
    };

/** Of nearly every request, which is not checked again each time. */
const NO_ROUTE: RouteQuota = {};

const UNDECIDED = 'The rate limit could not be decided; try again later.';

export interface Answering<Args extends readonly unknown[], Done extends readonly unknown[]> {
  answer(args: Args, route?: RouteQuota): Promise<Answer<Done>>;
  /** Resolves once the settlements of all requests so far are over. */
  settled(): Promise<void>;
}

/**
 * Makes the function that decides one request. It calls the limiter once, and only an allowed request goes on. It rejects
 * only if `onError` throws or rejects. `known` are the names of the options, if there are more than those
 * of every middleware. Throws INVALID_OPTION for wrong options.
 */
export function answering<Args extends readonly unknown[], Done extends readonly unknown[] = Args>(
  options: RateLimitOptions<Args, Done>,
  known?: Readonly<Record<string, true>>,
): Answering<Args, Done> {
  checkOptions(options, known);
  const warn = warningOnce();
  const renamed = renaming();
  const open = new OpenSettlements<Done>();
  return {
    answer: options.settle === undefined ? decide : (...asked) => open.keep(() => decide(...asked)),
    settled: () => open.settled(),
  };

  async function decide(args: Args, route: RouteQuota = NO_ROUTE): Promise<Answer<Done>> {
    try {
      if (route !== NO_ROUTE) checkRouteQuota(route, options.settle);
    } catch (error) {
      return failed(error, [], args);
    }
    const found = askSubject(options, args);
    const request = found instanceof Promise ? await found : found;
    if ('problem' in request) return refused(request.problem);
    let policies: readonly NamedPolicy[] = [];
    let decision: Decision;
    let reservation: Reservation | undefined;
    try {
      const { subject, options: takeOptions } = readAsked(request.asked, route, options.settle);
      const limiter = route.limiter ?? options.limiter;
      const policyName = route.policyName ?? options.policyName;
      policies = renamed(limiter.policiesOf(subject), policyName);
      if (options.settle !== undefined) reservation = await reserve(limiter, subject, takeOptions);
      decision = reservation?.decision ?? (await limiter.take(subject, takeOptions));
    } catch (error) {
      return failed(error, policies, args);
    }
    const settle = decision.allowed && reservation && settling(options, reservation, { args, warn });
    try {
      const noted = options.onDecision?.(decision, ...args);
      if (isThenable(noted)) await noted;
    } catch (error) {
      return { type: 'failed', error, ...(settle && { settle }) };
    }
    const headers = rateLimitHeaders(policies, decision);
    if (decision.shadow !== undefined) headers[HEADERS.shadow] = decision.shadow;
    if (decision.stated !== undefined) headers[HEADERS.stated] = JSON.stringify(decision.stated);
    if (options.evidence) headers[HEADERS.decision] = formatEvidence(decision.evidence);
    if (options.evidence && reservation?.allowed) headers[HEADERS.settled] = 'later';
    return decision.allowed
      ? { type: 'go-on', headers, ...(settle && { settle }) }
      : refused(quotaExceeded(violatedPolicies(policies, decision)), headers);
  }

  async function failed(error: unknown, policies: readonly NamedPolicy[], args: Args): Promise<Answer<Done>> {
    await options.onError?.(error, ...args);
    return undecided(error, policies);
  }
}

/** Makes the function that renames a single policy. The last result is kept: nearly all requests have one policy. */
function renaming(): (policies: readonly NamedPolicy[], name: string | undefined) => readonly NamedPolicy[] {
  let last: { readonly of: NamedPolicy; readonly renamed: readonly [NamedPolicy] } | undefined;
  return (policies, name) => {
    const [only, second] = policies;
    if (name === undefined || only === undefined || second !== undefined) return policies;
    if (last?.of !== only || last.renamed[0].name !== name)
      last = { of: only, renamed: [{ name, policy: only.policy }] };
    return last.renamed;
  };
}

function undecided(error: unknown, policies: readonly NamedPolicy[]): Answer {
  if (!(error instanceof OpenclawError))
    return refused(reducedCapacity({ detail: UNDECIDED, code: 'INTERNAL', charge: 'possible' }));
  const { code, charge } = error;
  if (isInvalidRequest(code)) return refused({ ...badRequest(400, error.message), code });
  return refused(reducedCapacity({ detail: UNDECIDED, code, charge }), rateLimitHeaders(policies, undefined));
}

/** Adds the type of the problem to these headers. */
function refused(problem: Problem, headers: Record<string, string> = {}): Answer {
  headers['content-type'] = PROBLEM_TYPE;
  return { type: 'refused', status: problem.status, headers, problem };
}
