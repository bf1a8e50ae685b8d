/**
 * What the limiter said in its reply besides yes or no, in the units of the reply; what it did not say is absent. It may
 * be wrong.
 */
export interface Stated {
  /** Tokens, or requests, left after the decision: `r` of RateLimit, RateLimit-Remaining, X-RateLimit-Remaining. */
  readonly remaining?: number;
  /** Retry-After in seconds, perhaps with a fraction. */
  readonly retryAfterS?: number;
  /** Retry-After as a date: seconds since 1970. */
  readonly retryAtS?: number;
  /** The number of a reset, in the unit that its form leaves open: `t` of RateLimit, RateLimit-Reset, X-RateLimit-Reset. */
  readonly reset?: number;
  /**
   * `delta`: the reset is in seconds from the reply on, as the drafts of RateLimit say. `any`, or absent: its unit was
   * not agreed, as for X-RateLimit-Reset, which has seconds from the reply on or seconds since 1970.
   */
  readonly resetForm?: 'delta' | 'any';
  /** The quota of its policy: `q` of RateLimit-Policy, RateLimit-Limit, X-RateLimit-Limit. */
  readonly limit?: number;
  /** The seconds of its policy: `w` of RateLimit-Policy. */
  readonly windowS?: number;
}
