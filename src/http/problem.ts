import type { Charge } from '../core/errors.ts';

/** A problem document of RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** A code of the error catalogue. */
  readonly code?: string;
  /** Whether the request may have taken tokens. */
  readonly charge?: Charge;
  readonly 'violated-policies'?: readonly string[];
}

/** The media type of a problem document. */
export const PROBLEM_TYPE = 'application/problem+json';

/** The registry in which draft-ietf-httpapi-ratelimit-headers registers its problem types. */
const REGISTRY = 'https://iana.org/assignments/http-problem-types';

/** 429: the bucket of each of these policies does not hold the cost. */
export function quotaExceeded(violatedPolicies: readonly string[]): Problem {
  return {
    type: `${REGISTRY}#quota-exceeded`,
    title: 'The rate limit of this user is used up',
    status: 429,
    'violated-policies': violatedPolicies,
  };
}

/** 503: no decision, so the request is rejected. There is no Retry-After, since the end of the failure is unknown. */
export function reducedCapacity(failure: {
  detail: string;
  code: string;
  charge: Charge;
  status?: 503 | 504;
}): Problem {
  return {
    type: `${REGISTRY}#temporary-reduced-capacity`,
    title: 'The rate limit cannot be decided at the moment',
    status: failure.status ?? 503,
    detail: failure.detail,
    code: failure.code,
    charge: failure.charge,
  };
}

/** 4xx: the request itself is invalid; the limiter was not called. */
export function badRequest(status: number, detail: string): Problem {
  return { type: 'about:blank', title: 'The request is not valid', status, detail, charge: 'none' };
}
