// A token bucket for each user in the memory of the process, as the default stores of many middlewares count.

/** As written: each bucket is exact, and no other process knows it. */
export const promise = 'token-bucket';

export function createLimiter({ policy, nowMs }) {
  const { capacityTokens, refill } = policy;
  const perMs = refill.tokens / (refill.perUs / 1_000);
  const buckets = new Map();
  return {
    async take(user, { cost }) {
      const now = nowMs();
      const bucket = buckets.get(user) ?? { tokens: capacityTokens, atMs: now };
      buckets.set(user, bucket);
      bucket.tokens = Math.min(capacityTokens, bucket.tokens + Math.max(0, now - bucket.atMs) * perMs);
      bucket.atMs = Math.max(now, bucket.atMs);
      const allowed = bucket.tokens >= cost;
      if (allowed) bucket.tokens -= cost;
      return {
        allowed,
        remaining: bucket.tokens,
        ...(!allowed && { retryAfterMs: (cost - bucket.tokens) / perMs }),
      };
    },
  };
}
