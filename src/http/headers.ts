import type { Decision } from '../core/decision.ts';
import type { NamedPolicy } from '../limiter/limiter.ts';

/** An integer of structured fields has 15 digits (RFC 9651, 3.3.1); a capacity may have 16. */
const MOST = 999_999_999_999_999;

/**
 * The response headers of draft-ietf-httpapi-ratelimit-headers, each a structured-field list with a member for each
 * policy: `RateLimit-Policy` (quota `q` in tokens, in a window of `w` seconds: what an empty bucket needs to fill) and,
 * where levels are known, `RateLimit` (`r` tokens remain). What denies has `t`, the seconds until its cost is there;
 * a denial has `Retry-After` in seconds, which is the longest of them. `policies` are those of the limiter's
 * `policiesOf`; without a decision only they are told, and of no policies nothing.
 */
export function rateLimitHeaders(
  policies: readonly NamedPolicy[],
  decision: Decision | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (policies.length > 0) headers['RateLimit-Policy'] = policies.map(policyMember).join(', ');
  if (decision === undefined) return headers;
  const levels = levelsOf(policies, decision);
  if (levels.length > 0) headers.RateLimit = levels.map(levelMember).join(', ');
  if (!decision.allowed) headers['Retry-After'] = String(toSeconds(decision.retryAfterUs));
  return headers;
}

/** The names of the policies whose buckets did not hold the cost. */
export function violatedPolicies(policies: readonly NamedPolicy[], decision: Decision): string[] {
  return decision.policies === undefined
    ? policies.slice(0, 1).map(({ name }) => name)
    : decision.policies.filter(({ retryAfterUs }) => retryAfterUs > 0).map(({ policy }) => policy);
}

interface LevelTold {
  readonly name: string;
  readonly remainingTokens: number;
  /** Absent: this policy did not deny. */
  readonly retryAfterSeconds?: number;
}

function levelsOf(policies: readonly NamedPolicy[], decision: Decision): readonly LevelTold[] {
  const { remainingTokens, retryAfterUs, policies: parts } = decision;
  const isDenied = !decision.allowed || decision.shadow === 'denied';
  if (parts !== undefined)
    return parts.map((part) => ({
      name: part.policy,
      remainingTokens: part.remainingTokens,
      ...(part.retryAfterUs > 0 && { retryAfterSeconds: toSeconds(part.retryAfterUs) }),
    }));
  const [only] = policies;
  if (only === undefined || remainingTokens === undefined) return [];
  return [
    { name: only.name, remainingTokens, ...(isDenied && { retryAfterSeconds: toSeconds(retryAfterUs) }) },
  ];
}

function policyMember({ name, policy }: NamedPolicy): string {
  const windowSeconds = Math.ceil(policy.capacityQuanta / policy.quantaPerUs / 1_000_000);
  return `"${name}";q=${Math.min(policy.capacityTokens, MOST)};w=${windowSeconds}`;
}

function levelMember({ name, remainingTokens, retryAfterSeconds }: LevelTold): string {
  const until = retryAfterSeconds === undefined ? '' : `;t=${retryAfterSeconds}`;
  return `"${name}";r=${Math.min(remainingTokens, MOST)}${until}`;
}

function toSeconds(us = 1_000_000): number {
  return Math.ceil(us / 1_000_000);
}
