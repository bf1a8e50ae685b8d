import type { Decision } from '../core/decision.ts';
import { HEADERS } from '../core/header-names.ts';
import type { NamedPolicy } from '../limiter/limiter.ts';

/** An integer of structured fields has 15 digits (RFC 9651, 3.3.1); a capacity may have 16. */
const MOST = 999_999_999_999_999;

/**
 * The response headers of draft-ietf-httpapi-ratelimit-headers: structured-field lists with a member for each policy.
 * `RateLimit-Policy`: quota `q` in tokens, window `w` in seconds (the time an empty bucket needs to fill). `RateLimit`, if
 * levels are known: `r` whole tokens remain; a policy that denies has `t`, the seconds until its bucket holds the cost.
 * `Retry-After`, for a denial: the longest `t`. `policies` is the result of the limiter's `policiesOf`. Without a decision
 * only `RateLimit-Policy` is returned, and without policies no header.
 */
export function rateLimitHeaders(
  policies: readonly NamedPolicy[],
  decision: Decision | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (policies.length > 0) headers[HEADERS.policies] = policies.map(policyMember).join(', ');
  if (decision === undefined) return headers;
  const levels = levelMembers(policies, decision);
  if (levels.length > 0) headers[HEADERS.levels] = levels.map(levelMember).join(', ');
  if (!decision.allowed) headers[HEADERS.retryAfter] = String(toSeconds(decision.retryAfterUs));
  return headers;
}

/** The names of the policies whose buckets did not hold the cost. */
export function violatedPolicies(policies: readonly NamedPolicy[], decision: Decision): string[] {
  if (decision.policies === undefined && policies.length > 1) return []; // a plug-in does not say which
  return decision.policies === undefined
    ? policies.slice(0, 1).map(({ name }) => name)
    : decision.policies.filter(({ retryAfterUs }) => retryAfterUs > 0).map(({ policy }) => policy);
}

interface LevelMember {
  readonly name: string;
  readonly remainingTokens: number;
  /** Absent if this policy did not deny. */
  readonly retryAfterSeconds?: number;
}

function levelMembers(policies: readonly NamedPolicy[], decision: Decision): readonly LevelMember[] {
  const { remainingTokens, retryAfterUs, policies: parts } = decision;
  const isDenied = !decision.allowed || decision.shadow === 'denied';
  if (parts !== undefined)
    return parts.map((part) => ({
      name: part.policy,
      remainingTokens: part.remainingTokens,
      ...(part.retryAfterUs > 0 && { retryAfterSeconds: toSeconds(part.retryAfterUs) }),
    }));
  const [only, second] = policies;
  if (only === undefined || second !== undefined || remainingTokens === undefined) return [];
  return [
    { name: only.name, remainingTokens, ...(isDenied && { retryAfterSeconds: toSeconds(retryAfterUs) }) },
  ];
}

const members = new WeakMap<NamedPolicy, string>();

/** Nearly all requests have the same policies. */
function policyMember(named: NamedPolicy): string {
  const known = members.get(named);
  if (known !== undefined) return known;
  const member = writePolicy(named);
  members.set(named, member);
  return member;
}

function writePolicy({ name, policy }: NamedPolicy): string {
  const windowSeconds = Math.ceil(policy.capacityQuanta / policy.quantaPerUs / 1_000_000);
  return `"${name}";q=${Math.min(policy.capacityTokens, MOST)};w=${windowSeconds}`;
}

function levelMember({ name, remainingTokens, retryAfterSeconds }: LevelMember): string {
  const until = retryAfterSeconds === undefined ? '' : `;t=${retryAfterSeconds}`;
  return `"${name}";r=${Math.min(remainingTokens, MOST)}${until}`;
}

function toSeconds(us = 1_000_000): number {
  return Math.ceil(us / 1_000_000);
}
