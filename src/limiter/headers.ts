import type { Decision } from '../core/decision.ts';
import type { Policy } from '../core/policy.ts';

/**
 * The response headers of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` (quota q in a window of w
 * seconds, the time an empty bucket needs to fill) and, where the level is known, `RateLimit` (r tokens
 * remain). A denial adds `t`, the seconds until the cost is there, and `Retry-After`.
 */
export function rateLimitHeaders(
  name: string,
  policy: Policy,
  decision: Decision | undefined,
): Record<string, string> {
  const windowSeconds = Math.ceil(policy.capacityQuanta / policy.quantaPerUs / 1_000_000);
  const headers: Record<string, string> = {
    'RateLimit-Policy': `"${name}";q=${policy.capacityTokens};w=${windowSeconds}`,
  };
  if (decision === undefined) return headers;
  const retryAfterSeconds = Math.ceil((decision.retryAfterUs ?? 1_000_000) / 1_000_000);
  const reset = decision.allowed ? '' : `;t=${retryAfterSeconds}`;
  if (decision.remainingTokens !== undefined)
    headers.RateLimit = `"${name}";r=${decision.remainingTokens}${reset}`;
  if (!decision.allowed) headers['Retry-After'] = String(retryAfterSeconds);
  return headers;
}
